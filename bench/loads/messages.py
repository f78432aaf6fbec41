"""Messages: what the loads without the SDK make of the service's answers."""

from flashsale.v1 import flash_sale_pb2 as pb

from bench import measured
from bench.measured import Answer
from bench.plan import Plan

_OUTCOMES = {number: name.removeprefix("OUTCOME_") for name, number in pb.Outcome.items()}


def answer_of(response: pb.PurchaseResponse, user_id: str, plan: Plan) -> Answer:
    """A message looked at as every answer is."""
    outcome = _OUTCOMES.get(response.outcome, f"outcome {response.outcome}")
    purchase = response.purchase if response.HasField("purchase") else None
    return measured.answer_of(outcome, purchase, user_id, keeps=plan.keeps)
