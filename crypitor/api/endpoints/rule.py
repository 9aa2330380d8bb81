"""What success looks like, as the API writes it and as the sender knows it. Pure."""

from crypitor.api.endpoints.answer import SuccessAnswer
from crypitor.api.endpoints.body import PointedBody, SuccessBody
from crypitor.webhook.success import Pointed, Success


def success_of(body: SuccessBody | None) -> Success | None:
    """Return the rule that a request holds."""
    if body is None:
        return None
    if isinstance(body.body, PointedBody):
        return Success(body.status, Pointed(body.body.pointer, body.body.value))
    return Success(body.status, body.body)


def success_answer(success: Success) -> SuccessAnswer:
    """Return a rule as JSON has it."""
    if isinstance(success.body, Pointed):
        pointed = success.body
        return {
            "status": success.status,
            "body": {"pointer": pointed.pointer, "value": pointed.value},
        }
    return {"status": success.status, "body": success.body}
