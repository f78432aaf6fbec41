"""Messages: what the loads without the SDK make of the service's answers."""

from flashsale.v1 import flash_sale_pb2 as pb

from bench.measured import Answer
from bench.plan import Plan

_OUTCOMES = {number: name.removeprefix("OUTCOME_") for name, number in pb.Outcome.items()}


def answer_of(response: pb.PurchaseResponse, user_id: str, plan: Plan) -> Answer:
    """A message looked at as every answer is."""
    outcome = _OUTCOMES.get(response.outcome, f"outcome {response.outcome}")
    if not response.HasField("purchase"):
        return outcome, ""
    purchase = response.purchase
    if plan.keeps and purchase.user_id != user_id:
        return "a purchase of another user", ""
    return outcome, purchase.purchase_id
