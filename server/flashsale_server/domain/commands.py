"""What can be asked of a sale: a value for each question, with what its decision needs."""

import msgspec

from flashsale_server.domain.entries import SaleTerms


class PurchaseCommand(msgspec.Struct, gc=False):
    """Buy `quantity` units for a user.

    Attributes:
        request_id: the same id of the same user never buys twice.
        is_retry: the fate of an earlier copy is unknown to its sender, so a refusal must be
            recorded.
        arrival: the number of the call among those that its node has let in; given at the door.
    """

    user_id: str
    request_id: str
    quantity: int = 1
    is_retry: bool = False
    arrival: int = 0


class PauseCommand(msgspec.Struct, frozen=True):
    """Stop selling for now.

    Attributes:
        revision: the revision that the sale must still have; None for whichever. So with all
            changes.
    """

    revision: int | None = None


class ResumeCommand(msgspec.Struct, frozen=True):
    """Sell again."""

    revision: int | None = None


class EndCommand(msgspec.Struct, frozen=True):
    """End the sale for good."""

    revision: int | None = None


class RestockCommand(msgspec.Struct, frozen=True):
    """Add `stock_change` units to the stock, or take unsold ones away with a negative number."""

    stock_change: int
    revision: int | None = None


class UpdateCommand(msgspec.Struct, frozen=True):
    """Replace the sale's terms.

    Attributes:
        fields: the names of the terms to replace; None for all.
    """

    terms: SaleTerms
    fields: tuple[str, ...] | None = None
    revision: int | None = None


class ConfirmCommand(msgspec.Struct, frozen=True):
    """Make a user's hold a purchase."""

    user_id: str
    purchase_id: str


class ReleaseCommand(msgspec.Struct, frozen=True):
    """Give the units of a user's hold back."""

    user_id: str
    purchase_id: str


class CancelCommand(msgspec.Struct, frozen=True):
    """Take a user's purchase or hold back."""

    user_id: str
    purchase_id: str


ChangeCommand = PauseCommand | ResumeCommand | EndCommand | RestockCommand | UpdateCommand
TransitionCommand = ConfirmCommand | ReleaseCommand | CancelCommand
Command = PurchaseCommand | ChangeCommand | TransitionCommand
