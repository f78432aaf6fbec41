"""The shop's commands, and what becomes of a hold, run as people run them."""

import asyncio
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from tests.cli.running import flash_sale
from tests.client_sdk.scripted_server import scripted
from tests.client_sdk.test_connections import Certificate, certificate
from tests.servers import server_process

Shop = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Runs a command at a server; what it says is told where it fails."""
    with server_process(tmp_path_factory.mktemp("shop"), "--stock", "3") as server:

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            return flash_sale(*arguments, FLASH_SALE_GRPC_ADDRESS=server.address)

        yield run


def said(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """What a command printed line by line, by the first word of each."""
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return {line[0]: line[1] for line in lines if len(line) == 2}


def rows(done: "subprocess.CompletedProcess[str]") -> list[list[str]]:
    """The rows of the table that a command printed."""
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence of a command that could not do it."""
    assert done.returncode == 1
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("flash-sale: ")
    return sentence


def test_a_sale_is_made_shown_and_listed(shop: Shop) -> None:
    made = shop(
        *("sale", "create", "shoes", "--stock", "500", "--title", "Good shoes"),
        *("--starts-at", "2030-01-01T09:00:00Z", "--ends-at", "2030-01-01T11:00:00+01:00"),
        *("--per-user-limit", "4", "--per-order-limit", "2", "--hold-seconds", "90"),
    )
    assert said(made) == {
        "shoes:": "Good shoes",
        "state": "upcoming",
        "stock": "500: 500 available, 0 held, 0 sold",
        "starts": "2030-01-01 09:00:00 UTC",
        "ends": "2030-01-01 10:00:00 UTC",
        "limit": "4 a user, 2 an order",
        "holds": "90 s",
        "etag": said(made)["etag"],
    }
    assert shop("sale", "show", "shoes").stdout == made.stdout
    listed = {row[0]: row[1:] for row in rows(shop("sale", "list"))}
    assert listed["shoes"] == [
        *("Good shoes", "upcoming", "500", "0", "0", "500", "2030-01-01 09:00:00 UTC")
    ]
    assert "default" in listed
    assert "SALE_EXISTS" in refusal(shop("sale", "create", "shoes", "--stock", "1"))


def test_a_sale_is_updated_paused_resumed_restocked_and_ended(shop: Shop) -> None:
    hold = ("--hold-seconds", "5", "--per-order-limit", "1", "--ends-at", "2030-01-01T09:00:00Z")
    made = said(shop("sale", "create", "caps", "--stock", "5", "--title", "Caps", *hold))
    updated = said(shop("sale", "update", "caps", "--title", "[b]Caps", "--per-user-limit", "3"))
    assert updated["caps:"] == "[b]Caps"
    assert updated["limit"] == "3 a user, 1 an order"
    assert (updated["ends"], updated["holds"]) == ("2030-01-01 09:00:00 UTC", "5 s")
    taken = ("--ends-at", "never", "--hold-seconds", "0", "--per-order-limit", "0")
    plain = said(shop("sale", "update", "caps", *taken))
    assert (plain["ends"], plain["limit"], "holds" in plain) == ("never", "3 a user", False)
    late = refusal(shop("sale", "pause", "caps", "--etag", made["etag"]))
    assert "ETAG_MISMATCH" in late
    assert said(shop("sale", "pause", "caps", "--etag", plain["etag"]))["state"] == "paused"
    assert said(shop("sale", "resume", "caps"))["state"] == "live"
    assert said(shop("sale", "restock", "caps", "7"))["stock"].startswith("12: 12 available")
    assert said(shop("sale", "restock", "caps", "-12"))["state"] == "sold out"
    assert "NOT_ENOUGH_UNSOLD" in refusal(shop("sale", "restock", "caps", "-1"))
    assert said(shop("sale", "end", "caps"))["state"] == "ended"
    assert "SALE_ENDED" in refusal(shop("sale", "resume", "caps"))


def test_a_hold_is_bought_confirmed_released_and_cancelled(shop: Shop) -> None:
    said(shop("sale", "create", "hats", "--stock", "5", "--hold-seconds", "600"))
    at = ("--sale", "hats")

    def held_by(user: str) -> str:
        bought = shop("buy", user, *at)
        assert bought.returncode == 0
        told = re.fullmatch(
            rf"held: 1 for {user}, purchase (\S+), position \d+, until \d{{4}}-\S+ \S+ UTC "
            r"\(request \S+\)\n",
            bought.stdout,
        )
        assert told, bought.stdout
        return told[1]

    ann, bob = held_by("ann"), held_by("bob")
    assert shop("confirm", "ann", ann, *at).stdout.startswith("confirmed: 1 for ann, purchase ")
    assert shop("release", "bob", bob, *at).stdout.startswith("released: 1 for bob, purchase ")
    assert "PURCHASE_CONFIRMED" in refusal(shop("release", "ann", ann, *at))
    assert "HOLD_RELEASED" in refusal(shop("confirm", "bob", bob, *at))
    assert "PURCHASE_NOT_FOUND" in refusal(shop("confirm", "ann", "-no-such-purchase", *at))
    cancelled = shop("purchases", "cancel", "ann", ann, *at)
    assert cancelled.stdout.startswith("cancelled: 1 for ann, purchase ")
    listed = rows(shop("purchases", "list", *at))
    assert [(row[1], row[2], row[4]) for row in listed] == [
        ("ann", ann, "cancelled"),
        ("bob", bob, "released"),
    ]
    few = shop("purchases", "list", "--limit", "1", *at)
    assert [row[1] for row in rows(few)] == ["ann"]
    assert "There are more than 1" in few.stdout


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("sale", "create", "No", "--stock", "-1"), "sale_id: .*; sale.total_stock: .*INVALID"),
        (("sale", "create", "y", "--stock", "1", "--starts-at", "tomorrow"), "--starts-at is"),
        (("sale", "update", "y", "--ends-at", "2030-01-01"), "--ends-at is '2030-01-01'"),
        (("sale", "update", "default"), "nothing to change was given"),
        (("sale", "show", "nope"), "SALE_NOT_FOUND"),
        (("purchases", "list", "--sale", "nope"), "SALE_NOT_FOUND"),
        (("sale", "create", "y", "--stock", "1", "--hold-seconds", "inf"), "--hold-seconds is inf"),
        (("sale", "create", "y", "--stock", "99999999999"), "--stock is 99,999,999,999, but must"),
        (("sale", "create", "y", "--stock", "9" * 40), "--stock is a number of more than 30"),
        (("sale", "create", "y", "--stock", "1", "--hold-seconds", "nan"), "--hold-seconds is nan"),
        (("sale", "update", "y", "--hold-seconds", "1e300"), "--hold-seconds is 1e.300"),
        (("sale", "update", "y", "--per-user-limit", "3" * 12), "--per-user-limit is 333,333"),
        (("sale", "update", "y", "--per-order-limit", "3" * 12), "--per-order-limit is 333,333"),
        (("sale", "update", "y", "--starts-at", "0001-01-01T00:00:00+10:00"), "--starts-at is"),
        (("sale", "update", "y", "--ends-at", "9999-12-31T23:00:00-10:00"), "--ends-at is"),
        (("sale", "restock", "y", "-99999999999"), "UNITS is -99,999,999,999, but must be from"),
        (("buy", "ann", "--quantity", "99999999999"), "--quantity is 99,999,999,999, but must"),
        (("sale", "list", "--cert", "mine.crt"), "--cert and --key go together"),
        (("sale", "list", "--ca", "/no/such/file"), "/no/such/file: No such file"),
        (("sale", "list", "--address", "shop.example:1", "--token", "s"), "add --tls or --ca"),
    ],
)
def test_what_is_wrong_is_one_sentence(shop: Shop, command: tuple[str, ...], why: str) -> None:
    assert re.search(why, refusal(shop(*command)))


async def test_a_token_is_sent_from_the_option_or_the_environment() -> None:
    async with scripted() as (address, server):
        at = ("status", "--address", address)
        for done in (
            await asyncio.to_thread(flash_sale, *at, "--token", "mine"),
            await asyncio.to_thread(flash_sale, *at, FLASH_SALE_TOKEN="of-the-environment"),
            await asyncio.to_thread(flash_sale, *at),
        ):
            assert done.returncode == 0, done.stderr
    sent = [call.get("authorization") for call in server.metadata]
    assert sent == ["Bearer mine", "Bearer of-the-environment", None]


@pytest.fixture(scope="module")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


async def test_a_command_trusts_the_certificates_that_it_is_told_to(
    localhost: Certificate, tmp_path: Path
) -> None:
    credentials = grpc.ssl_server_credentials(
        [localhost.pair],
        root_certificates=localhost.cert.read_bytes(),
        require_client_auth=True,
    )
    async with scripted(credentials=credentials) as (address, server):
        at = ("status", "--address", address.replace("127.0.0.1", "localhost"))
        own = ("--cert", str(localhost.cert), "--key", str(localhost.key))
        trusting = ("--ca", str(localhost.cert))
        done = await asyncio.to_thread(flash_sale, *at, *trusting, *own)
        assert done.returncode == 0, done.stderr
        refusal(await asyncio.to_thread(flash_sale, *at, "--tls", *own))
    assert len(server.metadata) == 1
