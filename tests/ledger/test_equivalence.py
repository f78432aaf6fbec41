"""The engines do the same: any commands, given to each of them, are answered alike."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from flashsale_server.domain import Entry
from flashsale_server.ledger import (
    GENESIS_DIGEST,
    Append,
    Ledger,
    LedgerError,
    encoded,
    open_ledger,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.chains import stored
from tests.ledger.conftest import ENGINES

SALES = st.sampled_from(["a", "b", "c-3"])
POSITIONS = st.integers(min_value=0, max_value=12)


@dataclass(frozen=True)
class AppendTogether:
    appends: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Read:
    sale_id: str
    after: int


@dataclass(frozen=True)
class Reopen:
    pass


Command = AppendTogether | Read | Reopen
COMMANDS = st.lists(
    st.one_of(
        st.builds(
            AppendTogether,
            st.lists(
                st.tuples(SALES, POSITIONS, st.integers(min_value=1, max_value=3)),
                min_size=1,
                max_size=5,
            ).map(tuple),
        ),
        st.builds(Read, SALES, POSITIONS),
        st.just(Reopen()),
    ),
    max_size=25,
)


def append_at(sale_id: str, last_position: int, count: int) -> Append:
    return encoded(
        sale_id,
        [Entry("purchased", -1, f"user-{count}")] * count,
        last_position=last_position,
        digest=GENESIS_DIGEST,
        recorded_at_us=last_position,
        node="node-a",
    )


async def fate(ledger: Ledger, append: Append) -> type[LedgerError] | None:
    try:
        await ledger.append(append)
    except LedgerError as error:
        return type(error)
    return None


async def answers(url: str, commands: list[Command]) -> list[object]:
    ledger = await open_ledger(url, node="node-a")
    given: list[object] = []
    for command in commands:
        match command:
            case AppendTogether(appends):
                given.append(
                    await asyncio.gather(*[fate(ledger, append_at(*append)) for append in appends])
                )
            case Read(sale_id, after):
                given.append(await stored(ledger, sale_id, after))
                given.append(await ledger.tail(sale_id))
            # What is in memory does not outlive its ledger, and is not asked to.
            case Reopen() if url != "memory:":
                await ledger.close()
                ledger = await open_ledger(url, node="node-a")
            case Reopen():
                pass
    given.extend([await stored(ledger, sale_id) for sale_id in await ledger.sale_ids()])
    await ledger.close()
    return given


@settings(max_examples=30, deadline=None)
@given(COMMANDS)
def test_engines_answer_the_same_commands_alike(commands: list[Command]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        urls = [
            engine.format(path=Path(folder) / f"{number}.db")
            for number, engine in enumerate(ENGINES)
        ]
        memory, owned, shared = [asyncio.run(answers(url, commands)) for url in urls]

    assert owned == memory
    assert shared == memory
