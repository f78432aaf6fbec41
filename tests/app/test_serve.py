"""`flash-sale serve` from start to stop: what it says, what it refuses, and how it ends."""

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

from tests.servers import ServerProcess, serve_command, server_process


def refused(folder: Path, *flags: str) -> str:
    """What a server that cannot start says; it must be one sentence, with exit code 1."""
    process = serve_command(folder, *flags, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1, (out, err)
    assert out == ""
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert lines[0].startswith("flash-sale: ")
    return lines[0]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def buy(server: ServerProcess, user_id: str) -> pb.PurchaseResponse:
    async with grpc.aio.insecure_channel(server.address) as channel:
        return await rpc.FlashSaleServiceStub(channel).Purchase(pb.PurchaseRequest(user_id=user_id))


def test_it_says_where_it_listens_which_ledger_and_what_is_left(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "7") as server:
        assert "gRPC    127.0.0.1:" in server.greeting
        assert "HTTP    http://127.0.0.1:" in server.greeting
        assert "ledger  sqlite:///flash-sale.db" in server.greeting
        assert "sale    default: 7 of 7 left, live" in server.greeting


async def test_what_was_sold_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "3") as server:
        await buy(server, "ann")
        assert server.terminate() == 0
    assert names_in(tmp_path) == ["flash-sale.db"]
    with server_process(tmp_path) as server:
        assert "2 of 3 left" in server.greeting


@pytest.mark.parametrize(("level", "batches"), [("info", 0), ("debug", 3)])
async def test_logs_have_a_line_a_batch_at_debug_and_name_nobody(
    tmp_path: Path, level: str, batches: int
) -> None:
    flags = ("--log-level", level, "--log-format", "json")
    with server_process(tmp_path, *flags, stderr=subprocess.PIPE) as server:
        for user_id in ("ann", "bob", "cid"):
            await buy(server, user_id)
        assert server.terminate() == 0
        assert server.process.stderr is not None
        lines = [json.loads(line) for line in server.process.stderr]
    assert sum(line["event"] == "batch committed" for line in lines) == batches
    assert not any(user_id in str(lines) for user_id in ("ann", "bob", "cid"))


async def test_a_sale_goes_on_when_nobody_reads_its_log_any_more(tmp_path: Path) -> None:
    with server_process(tmp_path, "--log-level", "debug", stderr=subprocess.PIPE) as server:
        assert server.process.stderr is not None
        server.process.stderr.close()
        answers = [await asyncio.wait_for(buy(server, f"u-{n}"), 20) for n in range(3)]
    assert {answer.outcome for answer in answers} == {pb.OUTCOME_PURCHASED}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    with server_process(tmp_path) as server:
        server.process.send_signal(number)
        assert server.process.wait(30) == 0


def test_a_second_server_on_the_same_file_is_told_who_has_it(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        said = refused(tmp_path)
        assert str(server.process.pid) in said
        assert "flash-sale.db" in said


@pytest.mark.parametrize("flag", ["--grpc-address", "--http-address"])
def test_a_taken_port_is_named(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in refused(tmp_path, flag, f"127.0.0.1:{port}")
    assert names_in(tmp_path) == [], "a server that cannot listen made a ledger"


@pytest.mark.parametrize("content", [b"not a database at all\n" * 200, b"SQLite format 3\0" * 300])
def test_a_foreign_file_is_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "flash-sale.db"
    path.write_bytes(content)
    assert "flash-sale.db" in refused(tmp_path)
    assert path.read_bytes() == content
    assert names_in(tmp_path) == ["flash-sale.db"]


def test_somebody_elses_database_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "flash-sale.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()
    content = path.read_bytes()
    refused(tmp_path)
    assert path.read_bytes() == content


async def test_a_changed_row_is_found_at_the_start(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        await buy(server, "ann")
        assert server.terminate() == 0
    path = tmp_path / "flash-sale.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE appends SET entries = replace(entries, 'ann', 'eve')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    assert "digest" in refused(tmp_path)
    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert "nowhere" in refused(tmp_path, "--ledger", "sqlite:///nowhere/flash-sale.db")


def test_every_wrong_setting_is_told_at_once(tmp_path: Path) -> None:
    process = serve_command(
        tmp_path,
        "--stock",
        "many",
        "--batch-size",
        "0",
        "--log-level",
        "loud",
        stderr=subprocess.PIPE,
    )
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert [word in err for word in ("--stock", "--batch-size", "--log-level")] == [True] * 3


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--stock", "9" * 5000),
        ("--hold-seconds", "nan"),
        ("--drain-seconds", "inf"),
        ("--starts-at", "0001-01-01T00:00:00+10:00"),
        ("--ends-at", "9999-12-31T23:00:00-10:00"),
    ],
)
def test_what_is_no_number_and_no_time_is_told_with_its_flag(
    tmp_path: Path, flag: str, value: str
) -> None:
    assert f"{flag} is " in refused(tmp_path, flag, value)


def test_listening_beyond_loopback_must_be_asked_for(tmp_path: Path) -> None:
    process = serve_command(tmp_path, "--grpc-address", "0.0.0.0:0", stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "--allow-unauthenticated" in err


async def test_a_stop_in_the_middle_of_a_rush_answers_everybody(tmp_path: Path) -> None:
    told = {"sold": 0}
    codes: set[grpc.StatusCode] = set()

    async def keep_buying(stub: "rpc.FlashSaleServiceAsyncStub", number: int) -> None:
        for attempt in range(1000):
            user_id = f"u-{number}-{attempt}"
            try:
                await stub.Purchase(pb.PurchaseRequest(user_id=user_id))
            except grpc.aio.AioRpcError as error:
                codes.add(error.code())
                return
            told["sold"] += 1

    with server_process(tmp_path, "--stock", "1000000") as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
            crowd = [asyncio.create_task(keep_buying(stub, number)) for number in range(20)]
            await stub.Purchase(pb.PurchaseRequest(user_id="first"))
            server.process.send_signal(signal.SIGTERM)
            await asyncio.gather(*crowd)
        assert server.process.wait(30) == 0
    # Cancelled are those that the transport had read, and nobody had looked at, when it closed.
    assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    with contextlib.closing(sqlite3.connect(tmp_path / "flash-sale.db")) as connection:
        (sold,) = connection.execute(
            "SELECT count(*) FROM entries WHERE kind = 'purchased'"
        ).fetchone()
    assert sold == told["sold"] + 1


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with server_process(tmp_path, "--drain-seconds", "3600") as server:
        with contextlib.closing(sqlite3.connect(tmp_path / "flash-sale.db")) as other:
            # Somebody else's transaction keeps the ledger from being written.
            other.execute("BEGIN IMMEDIATE")
            async with grpc.aio.insecure_channel(server.address) as channel:
                stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
                waiting = stub.Purchase(pb.PurchaseRequest(user_id="ann"))
                while not (await stub.Status(pb.StatusRequest())).queue_length:
                    pass
                server.process.send_signal(signal.SIGTERM)
                while not (await stub.Health(pb.HealthRequest())).draining:
                    pass
                server.process.send_signal(signal.SIGTERM)
                assert server.process.wait(10) == 128 + signal.SIGTERM
                waiting.cancel()
