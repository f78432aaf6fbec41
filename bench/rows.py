"""The rows: what the service promises about its speed, and how each promise is measured.

A row is a contest of two sides, or one side against a limit. What has to be reached stands beside
it, so that the report can say whether it was.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.contests import Note, Rounds, Side, contest
from bench.counting import CostOfCounting
from bench.length import Length
from bench.peers import starting
from bench.plan import Plan
from bench.results import Row

SYNCS_ALLOWED = 3


@dataclass(frozen=True, slots=True)
class Contest:
    """Two sides under the same load, compared by their answers in a second.

    Attributes:
        reach: the ratio that has to be reached, then the one that is aimed at.
    """

    key: str
    name: str
    what: str
    against: str
    ours: Side
    theirs: Side
    callers: int
    reach: tuple[float, ...] = ()

    def rounds(self, length: Length) -> Rounds:
        """How many: what nothing is promised about gets one where time is short."""
        return length.rounds if self.reach or not length.is_quick else Rounds(1)

    def seconds(self, length: Length) -> float:
        """How long it should take."""
        return 1.5 + self.rounds(length).number * 2 * (length.seconds + length.warmup_seconds + 0.4)

    def measured(self, folder: Path, length: Length, note: Note) -> Row:
        """Hold it."""
        plan = Plan(
            address="",
            name=f"bench-{self.key}",
            callers=self.callers,
            seconds=length.seconds,
            warmup_seconds=length.warmup_seconds,
        )
        sides = (self.ours, self.theirs)
        ours, theirs = contest(folder, sides, plan, self.rounds(length), note)
        return Row(
            self.key,
            self.name,
            self.what,
            self.against,
            "/s",
            ours.per_second,
            theirs.per_second,
            list(self.reach),
            at_least=True,
            callers=self.callers,
            runs=[ours, theirs],
        )


@dataclass(frozen=True, slots=True)
class SlowestOfCrowd:
    """Everybody at once, once, through one client that is connected: how long the last one waits.

    One limit is there for all repeats, so the worst of them is held against it.
    """

    key: str = "8"
    name: str = "1,000 at once, SDK"
    what: str = "1,000 callers at once, each one purchase, through one SDK client: the slowest"
    callers: int = 1000
    limit_ms: float = 100.0

    def seconds(self, length: Length) -> float:
        """How long it should take."""
        return 1.5 + length.repeats * 0.1

    def measured(self, folder: Path, length: Length, note: Note) -> Row:
        """Send the crowd, again and again."""
        plan = Plan(
            address="", name="bench-8", callers=self.callers, repeats=length.repeats, seconds=60
        )
        side = Side("the service", starting.flash_sale, "sdk")
        (runs,) = contest(folder, [side], plan, Rounds(1), note)
        slowest_ms = runs.measured[0].slowest_ms
        return Row(
            self.key,
            self.name,
            self.what,
            "",
            "ms",
            slowest_ms,
            [],
            [self.limit_ms],
            at_least=False,
            callers=self.callers,
            runs=[runs],
        )


@dataclass(frozen=True, slots=True)
class LonePurchase:
    """One caller, one purchase at a time, against what the transport and the disk take alone."""

    key: str = "9"
    name: str = "one lone purchase"
    what: str = "one lone purchase, p50"
    against: str = "no-op unary + three fsyncs of the same disk, p50 each"

    def seconds(self, length: Length) -> float:
        """How long it should take."""
        return 1.5 + length.rounds.number * 3 * (length.seconds + length.warmup_seconds + 0.4)

    def measured(self, folder: Path, length: Length, note: Note) -> Row:
        """Measure the three in turn."""
        plan = Plan(
            address="",
            name="bench-9",
            callers=1,
            seconds=length.seconds,
            warmup_seconds=length.warmup_seconds,
        )
        sides = (
            Side("the service", starting.flash_sale, "sdk"),
            Side("no-op", starting.noop_grpc, "unary"),
            Side("the disk", starting.disk_alone, "disk_sync"),
        )
        runs = contest(folder, sides, plan, length.rounds, note)
        ours, noop, disk = (side.latencies_ms("p50") for side in runs)
        allowed = [
            transport + SYNCS_ALLOWED * sync for transport, sync in zip(noop, disk, strict=True)
        ]
        return Row(
            self.key,
            self.name,
            self.what,
            self.against,
            "ms",
            ours,
            allowed,
            [1.0],
            at_least=False,
            callers=1,
            runs=runs,
        )


Measurement = Contest | SlowestOfCrowd | LonePurchase | CostOfCounting


def table(unary_load: str) -> list[Measurement]:
    """All rows that are measured by loads alone.

    Args:
        unary_load: the load of unary calls, "ghz" or "unary".
    """
    ours = partial(Side, "the service", starting.flash_sale)
    noop = partial(Side, "no-op", starting.noop_grpc)
    return [
        Contest(
            "1",
            "SDK beside Redis, one call each",
            "purchases/s, SDK, 1,000 concurrent callers, every one accepted and durable",
            "redis-py asyncio + Lua, one call each, same callers, AOF everysec",
            ours("sdk"),
            Side("Redis", partial(starting.redis, appendfsync="everysec"), "redis_unary"),
            callers=1000,
            reach=(8, 12),
        ),
        Contest(
            "2",
            "SDK beside Redis, coalesced",
            "the same",
            "redis-py asyncio + Lua, coalesced alike into one script call, AOF always",
            ours("sdk"),
            Side("Redis", partial(starting.redis, appendfsync="always"), "redis_coalesced"),
            callers=1000,
            reach=(0.8, 1.2),
        ),
        Contest(
            "3",
            "SDK beside a no-op",
            "the same",
            "the same SDK against a no-op BatchPurchase",
            ours("sdk"),
            noop("sdk"),
            callers=1000,
            reach=(0.6, 0.8),
        ),
        Contest(
            "4",
            "refusals beside a no-op",
            "refusals/s, SDK, sold-out sale",
            "the same no-op, which refuses",
            Side("the service", starting.sold_out_flash_sale, "sdk", "SOLD_OUT"),
            Side("no-op", partial(starting.noop_grpc, outcome="SOLD_OUT"), "sdk", "SOLD_OUT"),
            callers=1000,
            reach=(0.85,),
        ),
        Contest(
            "5",
            "unary beside a no-op",
            "unary Purchase/s, durable, 100 concurrent",
            "no-op unary on the same server settings",
            ours(unary_load),
            noop(unary_load),
            callers=100,
            reach=(0.85,),
        ),
        Contest(
            "6",
            "streams beside a no-op",
            "StreamPurchases/s, 100 streams, 10 in flight on each",
            "no-op bidirectional stream",
            ours("streams"),
            noop("streams"),
            callers=1000,
            reach=(0.85,),
        ),
        Contest(
            "7",
            "JSON beside a no-op",
            "JSON POST/s, 100 connections",
            "no-op route on the same HTTP server",
            Side("the service", partial(starting.flash_sale, over_http=True), "json_post"),
            Side("no-op", starting.noop_http, "json_post"),
            callers=100,
            reach=(0.7,),
        ),
        SlowestOfCrowd(),
        LonePurchase(),
        CostOfCounting("metrics", "metrics, SDK", "purchases/s, SDK, 1,000 callers", "sdk", 1000),
        CostOfCounting(
            "metrics-unary",
            "metrics, unary",
            "unary Purchase/s, 100 concurrent",
            unary_load,
            100,
        ),
        Contest(
            "threads",
            "64 threads beside a no-op",
            "purchases/s, blocking Client, 64 threads",
            "the same Client against a no-op BatchPurchase",
            ours("threads"),
            noop("threads"),
            callers=64,
        ),
        Contest(
            "json-batch",
            "JSON, 250 a call",
            "purchases/s, JSON BatchPurchase, 250 a call, 8 connections",
            "JSON POST, one purchase a call, 8 connections",
            Side(
                "250 a call",
                partial(starting.flash_sale, over_http=True),
                "json_batch",
                batch=250,
            ),
            Side("one a call", partial(starting.flash_sale, over_http=True), "json_post"),
            callers=8,
        ),
    ]
