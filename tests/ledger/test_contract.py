"""What every engine promises, tried on every engine."""

import asyncio
import contextlib

import pytest
from flashsale_server.domain import Entry
from flashsale_server.ledger import (
    GENESIS_DIGEST,
    AppendRejected,
    Ledger,
    LedgerUnavailable,
    PositionConflict,
)

from tests.ledger.chains import Chain, purchases, stored


async def test_what_was_appended_is_read_back_as_it_was(ledger: Ledger) -> None:
    sale = Chain("sale")
    await ledger.append(
        sale.grow(Entry("opened", 100), Entry("purchased", -1, "zoë\n'\"", "p", "r", 1, 7))
    )
    await ledger.append(sale.grow(*purchases(500)))

    assert await stored(ledger, "sale") == sale.made


async def test_a_sale_nobody_wrote_to_is_empty(ledger: Ledger) -> None:
    await ledger.append(Chain("sale").grow())

    assert await ledger.tail("other") == 0
    assert await stored(ledger, "other") == []
    assert await ledger.sale_ids() == ["sale"]


async def test_the_tail_counts_every_append_that_has_returned(ledger: Ledger) -> None:
    sale = Chain("sale")
    tails = [await ledger.tail("sale")]
    for count in (1, 3, 2):
        await ledger.append(sale.grow(*purchases(count)))
        tails.append(await ledger.tail("sale"))

    assert tails == [0, 1, 4, 6]


async def test_an_append_to_a_position_that_is_taken_conflicts_and_changes_nothing(
    ledger: Ledger,
) -> None:
    sale = Chain("sale")
    await ledger.append(sale.grow(*purchases(3)))

    with pytest.raises(PositionConflict):
        await ledger.append(Chain("sale", node="node-b").following())
    assert await stored(ledger, "sale") == sale.made


async def test_the_same_append_does_not_land_twice(ledger: Ledger) -> None:
    sale = Chain("sale")
    await ledger.append(sale.grow())

    with pytest.raises(PositionConflict):
        await ledger.append(sale.made[0])
    assert await ledger.tail("sale") == 1


async def test_an_append_in_the_middle_of_another_conflicts(ledger: Ledger) -> None:
    sale = Chain("sale")
    await ledger.append(sale.grow(*purchases(5)))
    inside = Chain("sale")
    inside.grow(*purchases(2))

    with pytest.raises(PositionConflict):
        await ledger.append(inside.following())


async def test_an_append_that_would_leave_a_gap_conflicts(ledger: Ledger) -> None:
    sale = Chain("sale")
    sale.grow()

    with pytest.raises(PositionConflict):
        await ledger.append(sale.following())
    assert await ledger.tail("sale") == 0
    assert await ledger.sale_ids() == []


async def test_a_conflict_leaves_the_sale_open_to_the_right_append(ledger: Ledger) -> None:
    sale = Chain("sale")
    await ledger.append(sale.grow())
    with pytest.raises(PositionConflict):
        await ledger.append(sale.made[0])

    await ledger.append(sale.grow())

    assert await stored(ledger, "sale") == sale.made


async def test_of_fifty_appends_to_one_position_exactly_one_lands(ledger: Ledger) -> None:
    rivals = [Chain("sale", node=f"node-{number}").following() for number in range(50)]

    fates = await asyncio.gather(*map(ledger.append, rivals), return_exceptions=True)

    assert sum(fate is None for fate in fates) == 1
    assert sum(isinstance(fate, PositionConflict) for fate in fates) == 49
    assert await stored(ledger, "sale") == [rivals[fates.index(None)]]


async def test_appends_begun_in_order_land_in_order(ledger: Ledger) -> None:
    sale = Chain("sale")

    await asyncio.gather(*[ledger.append(sale.grow(*purchases(2))) for _ in range(50)])

    positions = [
        (append.first_position, append.last_position) for append in await stored(ledger, "sale")
    ]
    assert positions == [(first, first + 1) for first in range(1, 100, 2)]


async def test_a_sale_that_conflicts_does_not_disturb_those_it_shares_a_commit_with(
    ledger: Ledger,
) -> None:
    taken = Chain("sale-07")
    await ledger.append(taken.grow())
    others = [Chain(f"sale-{number:02}", node="node-b") for number in range(20)]

    fates = await asyncio.gather(
        *[ledger.append(sale.grow(*purchases(2))) for sale in others], return_exceptions=True
    )

    assert [number for number, fate in enumerate(fates) if fate is not None] == [7]
    assert isinstance(fates[7], PositionConflict)
    others[7] = taken
    for sale in others:
        assert await stored(ledger, sale.sale_id) == sale.made
    assert await ledger.sale_ids() == [sale.sale_id for sale in others]


@pytest.mark.parametrize(
    ("after", "first"), [(0, 1), (1, 1), (2, 1), (3, 4), (4, 4), (9, 10), (29, 28), (30, None)]
)
async def test_reading_begins_with_the_append_that_has_the_next_position(
    ledger: Ledger, after: int, first: int | None
) -> None:
    sale = Chain("sale")
    for _ in range(10):
        await ledger.append(sale.grow(*purchases(3)))

    found = await stored(ledger, "sale", after)

    assert found == [append for append in sale.made if append.last_position > after]
    assert (found[0].first_position if found else None) == first


async def test_a_sale_of_many_chunks_is_read_whole_and_verifies(ledger: Ledger) -> None:
    sale, neighbour = Chain("sale"), Chain("sale-2")
    await asyncio.gather(*[ledger.append(sale.grow()) for _ in range(2_500)])
    await asyncio.gather(*[ledger.append(sale.grow(*purchases(900))) for _ in range(40)])
    await ledger.append(neighbour.grow())

    last_position, digest, entry_count = 0, GENESIS_DIGEST, 0
    async for append in ledger.read("sale", 0):
        append.verify(last_position=last_position, digest=digest)
        last_position, digest = append.last_position, append.digest
        entry_count += len(append.decoded())

    assert entry_count == last_position == await ledger.tail("sale") == 2_500 + 40 * 900


async def test_a_reader_may_leave_in_the_middle(ledger: Ledger) -> None:
    sale = Chain("sale")
    for _ in range(3):
        await ledger.append(sale.grow())

    async for append in ledger.read("sale", 0):
        assert append == sale.made[0]
        break
    await ledger.append(sale.grow())

    assert await ledger.tail("sale") == 4


async def test_a_caller_who_leaves_disturbs_nobody(ledger: Ledger) -> None:
    sale, other = Chain("sale"), Chain("other")
    leaving = asyncio.create_task(ledger.append(sale.grow()))
    staying = asyncio.create_task(ledger.append(other.grow()))
    await asyncio.sleep(0)
    leaving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leaving

    await staying
    await ledger.append(sale.grow())

    # It was under way when its caller left, so it became durable without him.
    assert await stored(ledger, "sale") == sale.made


async def test_closing_finishes_what_was_begun_and_refuses_what_comes_later(ledger: Ledger) -> None:
    sale = Chain("sale")
    begun = [asyncio.create_task(ledger.append(sale.grow())) for _ in range(30)]
    await asyncio.sleep(0)

    await asyncio.gather(ledger.close(), ledger.close())
    await ledger.close()

    assert await asyncio.gather(*begun) == [None] * 30
    with pytest.raises(AppendRejected):
        await ledger.append(sale.following())
    with pytest.raises(LedgerUnavailable):
        await ledger.tail("sale")
    with pytest.raises(LedgerUnavailable):
        await ledger.sale_ids()
    with pytest.raises(LedgerUnavailable):
        await stored(ledger, "sale")


async def test_sales_are_listed_in_order(ledger: Ledger) -> None:
    for sale_id in ("b", "a-2", "default", "0", "a"):
        await ledger.append(Chain(sale_id).grow())

    assert await ledger.sale_ids() == ["0", "a", "a-2", "b", "default"]
