"""JSON answers: what the loads over HTTP make of the service's answers."""

import msgspec

from bench import measured
from bench.measured import Answer
from bench.plan import Plan


class Purchase(msgspec.Struct, rename="camel"):
    purchase_id: str
    user_id: str


class Response(msgspec.Struct, rename="camel"):
    """A PurchaseResponse, as far as it is checked."""

    outcome: str
    purchase: Purchase | None = None


class Result(msgspec.Struct, rename="camel"):
    """A PurchaseResult."""

    response: Response | None = None
    error: msgspec.Raw | None = None


class Results(msgspec.Struct, rename="camel"):
    """A BatchPurchaseResponse."""

    results: list[Result]


_response = msgspec.json.Decoder(Response)
_results = msgspec.json.Decoder(Results)


def answer_of(status: int, body: bytes, user_id: str, plan: Plan) -> Answer:
    """An answer to one purchase, looked at as every answer is."""
    if status != 200:
        return _refused(status, body)
    return _checked(_response.decode(body), user_id, plan)


def answers_of(status: int, body: bytes, user_ids: list[str], plan: Plan) -> list[Answer]:
    """The answers to a batch, in its order."""
    if status != 200:
        return [_refused(status, body)]
    results = _results.decode(body).results
    if len(results) != len(user_ids):
        return [(f"{len(results)} results for {len(user_ids)} requests", "")]
    return [
        _checked(result.response, user_id, plan)
        if result.response
        else (f"error: {bytes(result.error or b'').decode()[:200]}", "")
        for result, user_id in zip(results, user_ids, strict=True)
    ]


def _refused(status: int, body: bytes) -> Answer:
    return f"HTTP {status}: {body.decode(errors='replace')[:200]}", ""


def _checked(response: Response, user_id: str, plan: Plan) -> Answer:
    outcome = response.outcome.removeprefix("OUTCOME_")
    return measured.answer_of(outcome, response.purchase, user_id, keeps=plan.keeps)
