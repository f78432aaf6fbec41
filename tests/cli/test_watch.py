"""`flash-sale watch`, looked at on a real terminal, and read by other programs."""

import functools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flashsale import Client
from flashsale_server.access import Role, new_token

from tests.cli.running import flash_sale
from tests.cli.screens import terminal
from tests.servers import server_process

COLOURS = re.compile(rb"\x1b\[[0-9;]*(3|4|9|10)[0-7][;m]")


@contextmanager
def reading(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A command whose output goes to another program, which reads it line by line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flashsale_server", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_stock_falls_in_a_view_that_fits_the_terminal(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3", "--title", "Good shoes") as server:
        with (
            terminal("watch", "--address", server.address) as screen,
            Client(server.address) as shop,
        ):
            screen.until_seen("3 of 3 left", "Good shoes", "live", "no end is set", "healthy")
            shop.purchase("ann")
            screen.until_seen("2 of 3 left", "1 sold", "p50", "purchased")
            screen.until(lambda: bool(re.search(r"purchases .* most 1 ", screen.text)))
            assert screen.is_framed(80)
            assert len(screen.frame) < 24
            assert f"connected to {server.address}" in screen.frame[-1]
            screen.press(b"\x03")
            assert screen.exit_code() == 130
            assert b"Traceback" not in screen.raw
            assert b"\x1b[?1049l" in screen.raw  # what was on the screen before is there again
            assert "2 of 3 left" in screen.text  # and below it the last picture


def test_it_says_that_the_server_is_away_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3") as server:
        with terminal("watch", "--address", server.address) as screen:
            screen.until_seen("3 of 3 left", "connected to")
            server.kill()
            screen.until_seen(f"reconnecting to {server.address} ... nobody answers there, ")
            assert screen.is_framed(80)
            assert "3 of 3 left" in screen.text
            again = ("--grpc-address", server.address)
            with server_process(tmp_path, *again) as back, Client(back.address) as shop:
                screen.until_seen("connected to")
                screen.until(lambda: "reconnecting" not in screen.text)
                shop.purchase("ann")
                screen.until_seen("2 of 3 left")


def test_it_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    with terminal("watch", "--address", "127.0.0.1:1") as screen:
        screen.until_seen("connecting to 127.0.0.1:1 ... nobody answers there")
        assert screen.is_framed(80)


def test_it_fits_a_window_that_is_made_smaller_and_larger(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3", "--title", "靴 " * 60) as server:
        at = ("watch", "--address", server.address)
        with terminal(*at, COLUMNS="80", LINES="24") as screen:
            screen.until_seen("3 of 3 left", "attempts")
            for columns, lines in ((60, 24), (40, 12), (24, 8), (100, 30), (200, 50)):
                screen.resize(columns, lines)
                screen.until(functools.partial(screen.is_framed, min(columns, 100)))
                assert "3 of 3 left" in screen.text


def test_it_ends_with_the_sale_and_says_what_came_of_it(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3") as server, Client(server.address) as shop:
        with terminal("watch", "--address", server.address) as screen:
            screen.until_seen("3 of 3 left")
            shop.purchase("ann")
            shop.admin.end_sale("default")
            assert screen.exit_code() == 0
            assert "default has ended: 1 of 3 sold, 2 left." in screen.text


def test_it_says_why_the_server_is_not_well(tmp_path: Path) -> None:
    with server_process(tmp_path, "--starts-at", "2099-01-01T00:00:00Z") as server:
        with terminal("watch", "--address", server.address) as screen:
            screen.until_seen("upcoming", "starts in", " d ")
            server.process.send_signal(signal.SIGSTOP)
            try:
                screen.until_seen(f"reconnecting to {server.address} ... no answer, ")
            finally:
                server.process.send_signal(signal.SIGCONT)
            screen.until(lambda: "reconnecting" not in screen.text)


def test_who_may_not_see_the_rates_is_told_so_and_sees_the_rest(tmp_path: Path) -> None:
    token, kept = new_token(Role.BUYER, "shop")
    with server_process(tmp_path, "--tokens", str(kept), "--stock", "3") as server:
        at = ("watch", "--address", server.address)
        with terminal(*at, FLASH_SALE_TOKEN=token) as screen:
            screen.until_seen(
                "3 of 3 left", "no rates: they are for tokens with the role", "healthy"
            )
            assert screen.is_framed(80)
        with terminal(*at) as screen:
            assert screen.exit_code() == 1
            assert "UNAUTHENTICATED" in screen.text


def test_a_termination_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        with terminal("watch", "--address", server.address) as screen:
            screen.until_seen("connected to")
            screen.process.terminate()
            assert screen.exit_code() == 143
            assert screen.raw.rindex(b"\x1b[?1049l") > screen.raw.rindex(b"\x1b[?1049h")
            assert screen.raw.rindex(b"\x1b[?25h") > screen.raw.rindex(b"\x1b[?25l")


def test_there_is_no_colour_where_none_is_wanted(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        at = ("watch", "--address", server.address)
        with terminal(*at) as screen:
            screen.until_seen("connected to")
            assert COLOURS.search(screen.raw)
        with terminal(*at, NO_COLOR="1") as screen:
            screen.until_seen("connected to")
            assert not COLOURS.search(screen.raw)
        with terminal(*at, TERM="dumb") as screen:
            screen.until_seen("live  100 of 100 left, 0 sold  server healthy")
            assert b"\x1b" not in screen.raw


def test_a_program_reads_a_line_at_each_change(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3") as server, Client(server.address) as shop:
        with reading("watch", "--address", server.address) as watching:
            assert re.fullmatch(
                r"\d\d:\d\d:\d\d  live  3 of 3 left, 0 sold  server healthy\n", line_of(watching)
            )
            shop.purchase("ann")
            assert "live  2 of 3 left, 1 sold" in line_of(watching)
            shop.admin.end_sale("default")
            assert "ended  2 of 3 left, 1 sold" in line_of(watching)
            assert line_of(watching) == "default has ended: 1 of 3 sold, 2 left.\n"
            assert watching.wait(30) == 0


def test_a_program_that_reads_is_told_of_the_connection_apart(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        with reading("watch", "--address", server.address) as watching:
            line_of(watching)
            server.kill()
            assert watching.stderr is not None
            assert watching.stderr.readline().startswith(
                f"flash-sale: reconnecting to {server.address} ... "
            )
            with server_process(tmp_path, "--grpc-address", server.address) as back:
                said = f"flash-sale: connected to {back.address}\n"
                assert watching.stderr.readline() == said


def test_json_is_one_status_a_line_as_the_http_api_has_it(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3", "--hold-seconds", "90") as server:
        with reading("watch", "--json", "--address", server.address) as watching:
            seen = json.loads(line_of(watching))
            with Client(server.address) as shop:
                told = httpx.get(f"{server.url}/flash-sale/status").json()
                assert {**seen, "serverTime": ""} == {**told, "serverTime": ""}
                assert seen["serverTime"].endswith("Z")
                shop.purchase("ann")
                assert json.loads(line_of(watching))["heldStock"] == 1
                shop.admin.end_sale("default")
            assert watching.stdout is not None
            states = [json.loads(line)["state"] for line in watching.stdout]
            assert states[-1] == "SALE_STATE_ENDED"
            assert watching.wait(30) == 0


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_it_ends_quietly_when_nobody_reads_any_more(tmp_path: Path, form: tuple[str, ...]) -> None:
    with server_process(tmp_path) as server:
        with reading("watch", *form, "--address", server.address) as watching:
            line_of(watching)
            assert watching.stdout is not None
            assert watching.stderr is not None
            watching.stdout.close()
            watching.wait(30)
            assert watching.stderr.read() == ""


def test_a_sale_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        done = flash_sale("watch", "--sale", "nope", "--address", server.address)
        assert (done.returncode, done.stdout) == (1, "")
        assert "SALE_NOT_FOUND" in done.stderr
        with terminal("watch", "--sale", "nope", "--address", server.address) as screen:
            assert screen.exit_code() == 1
            assert "SALE_NOT_FOUND" in screen.text
