"""What counting costs is measured on a real server that counts half of the time."""

from dataclasses import replace
from pathlib import Path

from flashsale_server.checkout import Call, Meters, RequestMeter
from flashsale_server.domain import Answer, Outcome, PurchaseCommand

from bench.counting import CostOfCounting
from bench.length import QUICK
from bench.peers.switched import Switch


def test_both_halves_of_the_time_are_measured(tmp_path: Path) -> None:
    cost = CostOfCounting("key", "name", "purchases/s", "sdk", callers=50)
    notes: list[str] = []

    row = cost.measured(tmp_path, replace(QUICK, counting_rounds=1), notes.append)

    counted, uncounted = row.runs
    assert [counted.name, uncounted.name] == ["counted and scraped", "uncounted"]
    assert len(row.ratios) == 1
    for runs in (counted, uncounted):
        assert runs.measured[0].answered > 100
        assert 1.5 < runs.measured[0].seconds < 3.5  # half of the time each
        assert runs.server_us[0] > 0


def test_counting_can_be_switched_off_and_on() -> None:
    switch = Switch()
    assert counted() == (1, 1, 1, 1)
    try:
        switch.turn(on=False)
        assert counted() == (0, 0, 0, 0)
    finally:
        switch.turn(on=True)
    assert counted() == (1, 1, 1, 1)


def counted() -> tuple[int, int, int, int]:
    meters, door = Meters(), RequestMeter()
    calls = [Call("sale", PurchaseCommand("user", "request"), 1.0, None)]
    meters.answered_all(calls, [Answer(Outcome.PURCHASED)], 2.0)
    meters.batch_decided(1)
    door.end(door.begin(), 0)
    return (
        meters.outcomes.total(),
        sum(meters.latency.counts),
        meters.batches,
        sum(door.durations.counts),
    )
