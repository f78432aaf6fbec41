"""Who may open a ledger file: one process, or all those that agreed to share it."""

import os
import re
from pathlib import Path

import pytest
from flashsale_server.ledger import GENESIS_DIGEST, LedgerUnusable, open_ledger
from flashsale_server.ledger.sqlite import SqliteLedger

from tests.ledger.chains import Chain, stored
from tests.ledger.conftest import Child

SINCE = r"since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"


async def refusal(path: Path, *, shared: bool = False) -> str:
    with pytest.raises(LedgerUnusable) as refused:
        await SqliteLedger.open(path, node="node-b", shared=shared)
    return str(refused.value)


@pytest.mark.parametrize("shared", [False, True])
async def test_an_owned_ledger_is_refused_with_the_name_of_its_owner(
    path: Path, shared: bool
) -> None:
    ledger = await SqliteLedger.open(path, node="node-a")

    sentence = await refusal(path, shared=shared)

    assert re.fullmatch(
        rf"flash-sale\.db is owned by process {os.getpid()} \(node-a\) {SINCE}; "
        r"stop it, or start both with \?shared=1",
        sentence,
    )
    await ledger.close()


async def test_a_shared_ledger_is_refused_to_who_wants_it_alone(path: Path, child: Child) -> None:
    ledger = await SqliteLedger.open(path, node="node-a", shared=True)
    other = child("hold", f"sqlite:///{path}?shared=1")
    assert other.stdout is not None
    other.stdout.readline()

    sentence = await refusal(path)

    assert re.fullmatch(
        rf"flash-sale\.db is shared by process {os.getpid()} \(node-a\) {SINCE} "
        rf"and process {other.pid} \(node-{other.pid}\) {SINCE}; "
        r"share it too, with \?shared=1, or stop them",
        sentence,
    )
    await ledger.close()


async def test_a_refused_opener_does_not_disturb_the_owner(path: Path) -> None:
    sale = Chain("sale")
    ledger = await SqliteLedger.open(path, node="node-a")
    await ledger.append(sale.grow())
    await refusal(path)

    await ledger.append(sale.grow())

    assert await stored(ledger, "sale") == sale.made
    assert "node-a" in await refusal(path)
    await ledger.close()


async def test_closing_frees_the_ledger(path: Path) -> None:
    for shared in (False, True, True, False, True):
        ledger = await SqliteLedger.open(path, node="node-a", shared=shared)
        await ledger.close()


async def test_kill_9_frees_the_ledger(path: Path, child: Child) -> None:
    owner = child("hold", f"sqlite:///{path}")
    assert owner.stdout is not None
    owner.stdout.readline()
    assert f"process {owner.pid}" in await refusal(path)

    owner.kill()
    owner.wait()

    ledger = await SqliteLedger.open(path, node="node-b")
    assert "node-b" in await refusal(path)
    await ledger.close()


async def test_what_one_sharer_appends_the_others_find_in_the_tail(path: Path) -> None:
    sale = Chain("sale")
    one = await SqliteLedger.open(path, node="node-a", shared=True)
    other = await SqliteLedger.open(path, node="node-b", shared=True)

    for writer, reader in ((one, other), (other, one), (one, other)):
        await writer.append(sale.grow())
        assert await reader.tail("sale") == len(sale.made)

    assert await stored(one, "sale") == await stored(other, "sale") == sale.made
    await one.close()
    assert await other.tail("sale") == 3
    await other.close()


async def test_processes_that_race_for_positions_lose_none_and_share_none(
    path: Path, child: Child
) -> None:
    url = f"sqlite:///{path}?shared=1"
    # They make the file together too.
    racers = [child("race", url) for _ in range(3)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    assert [racer.wait() for racer in racers] == [0, 0, 0]

    ledger = await open_ledger(url, node="node-a")
    last_position, digest = 0, GENESIS_DIGEST
    winners = []
    async for append in ledger.read("sale", 0):
        append.verify(last_position=last_position, digest=digest)
        last_position, digest = append.last_position, append.digest
        winners.append(append.node)
    await ledger.close()

    assert sorted(winners) == sorted(f"node-{racer.pid}" for racer in racers for _ in range(20))
