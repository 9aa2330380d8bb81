"""Sends one delivery again."""

from crypitor.api.deliveries.answer import DeliveryAnswer
from crypitor.api.deliveries.body import RetryBody
from crypitor.api.deliveries.examples import EXAMPLES
from crypitor.api.deliveries.routes import delivery_answer
from crypitor.api.serving.call import Call, Change, Effect
from crypitor.api.serving.routing import Routes
from crypitor.database.deliveries import get_delivery
from crypitor.database.endpoints import get_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.reopening import hurry, reopen
from crypitor.errors import Conflict
from crypitor.webhook.delivery import Delivery, Endpoint, State, Status

routes = Routes("Deliveries", EXAMPLES, "de_")


@routes.add("POST", "/v1/deliveries/{id}/retry", scope=Scope.WRITE, status=202, optional=True)
async def retry_delivery(call: Call, id: str, body: RetryBody) -> DeliveryAnswer:  # noqa: A002
    """Send a delivery again.

    At once, with the same `webhook-id` and body; if it fails, it is tried on as a new one is. A
    delivery that is pending is tried now instead of at `due_at`. One that was taken is sent again
    only with `{"again": true}`. Later phases of its match that have not been taken wait for it. 409
    says why it cannot be sent: its endpoint is deleted or disabled, an earlier phase comes first,
    it was cancelled, or its body is not kept any more.
    """
    now = call.context.clock()

    async def unit(tx: Transaction) -> Change[DeliveryAnswer]:
        delivery, _ = await get_delivery(tx, call.project, id)
        check_endpoint(await get_endpoint(tx, call.project, delivery.endpoint_id))
        _check_delivery(delivery, again=body.again)
        if delivery.status is Status.PENDING:
            await hurry(tx, id, now, call.context.lease_ms)
        else:
            await reopen(tx, [id], now)
        opened, _ = await get_delivery(tx, call.project, id)
        return Change(
            delivery_answer(opened),
            _wake(call, delivery.endpoint_id),
            before={**delivery_answer(delivery)},
        )

    return await call.change(unit)


def check_endpoint(endpoint: Endpoint | None) -> None:
    """Raise Conflict unless deliveries may be sent to an endpoint."""
    if endpoint is None:
        raise Conflict("the endpoint of this delivery was deleted")
    if not endpoint.enabled or endpoint.state is State.DISABLED:
        reason = f" ({endpoint.state_reason})" if endpoint.state_reason else ""
        raise Conflict(
            f"endpoint {endpoint.id} is disabled{reason}; set 'enabled' to true by PATCH first"
        )


def _check_delivery(delivery: Delivery, *, again: bool) -> None:
    """Raise Conflict unless a delivery may be sent again."""
    if delivery.status is Status.CANCELLED:
        raise Conflict("this delivery was cancelled: its monitor or endpoint was deleted")
    if delivery.status is Status.WAITING:
        raise Conflict(f"it waits for an earlier phase of its match: {delivery.follows}")
    if delivery.status is Status.DELIVERED and not again:
        raise Conflict('this delivery was taken; {"again": true} sends it once more')
    if not delivery.body:
        raise Conflict("the body of this delivery is not kept any more")


def _wake(call: Call, endpoint_id: str) -> Effect:
    async def effect() -> None:
        call.context.wake([endpoint_id])

    return effect
