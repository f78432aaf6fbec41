"""Crowds: how throughput and waiting change with the number of callers."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.contests import Note, Rounds, Side, contest, in_turn, up
from bench.peers import starting
from bench.plan import Plan
from bench.results import Crowd

SWEPT = (1, 10, 100, 1000, 5000)
RUSHING = (1000, 5000)


def sweep_sides(*, is_quick: bool) -> list[Side]:
    """Who is asked by more and more callers; in the quick run only the first two."""
    sides = [
        Side("the service, SDK", starting.flash_sale, "sdk"),
        Side("no-op, SDK", starting.noop_grpc, "sdk"),
        Side(
            "Redis, one call each, AOF everysec",
            partial(starting.redis, appendfsync="everysec"),
            "redis_unary",
        ),
        Side(
            "Redis, coalesced, AOF always",
            partial(starting.redis, appendfsync="always"),
            "redis_coalesced",
        ),
    ]
    return sides[:2] if is_quick else sides


def swept(
    folder: Path, sides: Sequence[Side], *, rounds: Rounds, seconds: float, note: Note
) -> list[Crowd]:
    """Ask the same servers by 1, 10, 100, 1,000 and 5,000 callers."""
    crowds = []
    note("starting servers")
    with up(folder, sides) as peers:
        for callers in SWEPT:
            plan = Plan(
                address="",
                name=f"sweep-{callers}",
                callers=callers,
                seconds=seconds,
                warmup_seconds=seconds / 4,
            )
            about = partial(_note_of, note, callers)
            crowds.append(Crowd(callers, in_turn(peers, sides, plan, rounds, about)))
    return crowds


def rushed(folder: Path, *, rounds: Rounds, repeats: int, note: Note) -> list[Crowd]:
    """Everybody asks at the same moment, once, each by a unary call of its own."""
    sides = (
        Side("the service", starting.flash_sale, "unary"),
        Side("no-op", starting.noop_grpc, "unary"),
    )
    crowds = []
    for callers in RUSHING:
        plan = Plan(
            address="", name=f"rush-{callers}", callers=callers, repeats=repeats, seconds=120
        )
        crowds.append(Crowd(callers, contest(folder, sides, plan, rounds, note)))
    return crowds


def _note_of(note: Note, callers: int, words: str) -> None:
    note(f"{callers:,} callers, {words}")
