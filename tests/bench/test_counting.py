"""What counting costs is measured on a real server that counts half of the time."""

from pathlib import Path

import pytest
from flashsale_server.checkout import Call, Meters, RequestMeter
from flashsale_server.domain import Answer, Outcome, PurchaseCommand

from bench.counting import CostOfCounting, in_rounds, pairs_between
from bench.length import QUICK
from bench.peers.switched import COUNTING, Look, Switch
from bench.processes import LoadFailed


def test_both_halves_of_the_time_are_measured(tmp_path: Path) -> None:
    cost = CostOfCounting("key", "name", "purchases/s", "sdk", callers=50)
    notes: list[str] = []

    row = cost.measured(tmp_path, QUICK, notes.append)

    counted, uncounted = row.runs
    assert [counted.name, uncounted.name] == ["counted and scraped", "uncounted"]
    assert len(row.ratios) == 1
    for runs in (counted, uncounted):
        assert runs.measured[0].answered > 100
        assert runs.server_us[0] > 0


def test_counting_can_be_switched_off_and_on() -> None:
    switch = Switch()
    counting = [vars(owner)[name] for owner, name, _ in COUNTING]
    assert counted() == (1, 1, 1, 1)
    try:
        switch.turn(on=False)
        assert counted() == (0, 0, 0, 0)
        for (owner, name, _), method in zip(COUNTING, counting, strict=True):
            assert vars(owner)[name] is not method
    finally:
        switch.turn(on=True)
    assert counted() == (1, 1, 1, 1)
    assert [vars(owner)[name] for owner, name, _ in COUNTING] == counting


def test_neighbours_are_compared_whichever_came_first() -> None:
    looks = [
        Look(at, 10 * at, at / 2, counts)
        for at, counts in enumerate(map(bool, [1, 0, 0, 1, 1, 0, 1]))
    ]

    pairs = pairs_between(looks, 0, 6)

    assert [(one[0].at, other[0].at) for one, other in pairs] == [(0, 1), (3, 2), (4, 5)]
    assert pairs_between(looks, 1, 6) == pairs[1:]
    assert pairs_between(looks, 0, 5) == pairs[:2]


def test_rounds_are_of_as_many_pairs_each() -> None:
    looks = [Look(at, at, at, at % 2 == 0) for at in range(15)]
    pairs = pairs_between(looks, 0, 14)

    assert in_rounds(pairs, 3) == [pairs[0:2], pairs[2:4], pairs[4:6]]
    with pytest.raises(LoadFailed, match="7 times"):
        in_rounds(pairs, 8)


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
