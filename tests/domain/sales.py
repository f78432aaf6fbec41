"""What the tests of the domain share: a sale that has just opened, and short ways to ask it."""

from collections.abc import Iterable

from flashsale_server.domain import (
    Answer,
    ChangeOutcome,
    Command,
    Decided,
    Draft,
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    Purchase,
    PurchaseCommand,
    SaleTerms,
    Transition,
    TransitionCommand,
)

NOW_US = 1_000_000


def opened(stock: int = 10, terms: SaleTerms | None = None) -> Inventory:
    """A sale that has just opened."""
    inventory = Inventory()
    detail = EntryDetail(terms or SaleTerms())
    inventory.apply([Entry(EntryKind.OPENED.value, stock, detail=detail)], 0)
    return inventory


def order(
    user_id: str, request_id: str = "", quantity: int = 1, *, is_retry: bool = False
) -> PurchaseCommand:
    return PurchaseCommand(user_id, request_id or f"r-{user_id}", quantity, is_retry)


def decide(draft: Draft, *commands: Command) -> list[Decided]:
    return draft.decide(commands, lambda: f"p-{draft.last_position + 1}")


def answer(draft: Draft, command: PurchaseCommand) -> Answer:
    (result,) = decide(draft, command)
    assert isinstance(result, Answer)
    return result


def change(draft: Draft, command: Command) -> ChangeOutcome:
    (result,) = decide(draft, command)
    assert isinstance(result, ChangeOutcome)
    return result


def hold(draft: Draft, user_id: str, request_id: str = "", quantity: int = 1) -> Purchase:
    """Units that are kept for the user from now on."""
    result = answer(draft, order(user_id, request_id, quantity))
    assert result.outcome is Outcome.HELD
    assert result.purchase is not None
    return result.purchase


def moved(draft: Draft, command: TransitionCommand) -> Transition:
    (result,) = decide(draft, command)
    assert isinstance(result, Transition)
    return result


def outcomes(results: Iterable[Decided]) -> list[Outcome]:
    return [result.outcome for result in results if isinstance(result, Answer)]


def kinds(draft: Draft) -> list[str]:
    return [entry.kind for entry in draft.entries]


def land(draft: Draft, inventory: Inventory) -> None:
    """Take the draft's entries into the inventory, as when the ledger has accepted them."""
    inventory.apply(draft.entries, draft.decided_at_us)
