"""The secrets that sign an endpoint's webhooks: read, and replaced with a day of both."""

from dataclasses import replace

from crypitor.api.endpoints.answer import SecretAnswer
from crypitor.api.endpoints.body import RotationBody
from crypitor.api.endpoints.examples import EXAMPLES
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.routing import Routes
from crypitor.database.endpoints import get_endpoint, lock_endpoint, update_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.errors import Invalid, Mistake
from crypitor.webhook.body import rfc3339
from crypitor.webhook.crypitor import FORMAT
from crypitor.webhook.delivery import OLD_SIGNS_MS, Endpoint, OldSecret
from crypitor.webhook.signature import (
    NEW_BYTES,
    Signature,
    new_secret,
    public_key,
    signature_of,
)

routes = Routes("Endpoints", EXAMPLES, "ep_")

MOST_SECRETS = 10


@routes.add("GET", "/v1/endpoints/{id}/secret", scope=Scope.WRITE)
async def read_secret(call: Call, id: str) -> SecretAnswer:  # noqa: A002 - as in the path
    """Read the secret that signs an endpoint's webhooks.

    It needs a key with write scope: who has it can make webhooks that look like ours.
    """

    async def unit(tx: Transaction) -> Endpoint:
        return found(await get_endpoint(tx, call.project, id), "endpoint")

    return secret_answer(await call.read_secret(unit, id), call.context.clock())


@routes.add("POST", "/v1/endpoints/{id}/rotate", scope=Scope.WRITE, optional=True)
async def rotate_secret(call: Call, id: str, body: RotationBody) -> SecretAnswer:  # noqa: A002
    """Replace the secret that signs an endpoint's webhooks.

    For 24 hours the old one signs too: each webhook carries a signature of both. Without a body a
    new secret of the same kind is made.
    """

    async def unit(tx: Transaction) -> Change[SecretAnswer]:
        now = call.context.clock()
        before = found(await lock_endpoint(tx, call.project, id, now), "endpoint")
        after = rotated(before, _wanted(call, before, body), now)
        await update_endpoint(tx, after)
        return Change(secret_answer(after, now), before={**secret_answer(before, now)})

    return await call.change(unit)


def made_secret(call: Call, signature: str) -> str:
    """Return a new secret. signature: how it signs, `v1` or `v1a`."""
    return new_secret(call.context.random_bytes(NEW_BYTES), Signature(signature))


def rotated(endpoint: Endpoint, secret: str, now: int) -> Endpoint:
    """Return an endpoint with a new secret, of which the old ones sign for their day.

    Raises Invalid where it would have too many, or the original format one that it cannot use.
    """
    if endpoint.format == FORMAT and signature_of(secret) is not Signature.SYMMETRIC:
        raise Invalid(f"the format {FORMAT} is signed with a secret that both sides know: v1")
    if secret == endpoint.secret:
        raise Invalid("this is the secret already", [Mistake("/secret", "it signs already")])
    known = (OldSecret(endpoint.secret, now + OLD_SIGNS_MS), *endpoint.old_secrets)
    old = tuple(each for each in known if each.signs(now) and each.secret != secret)
    if len(old) >= MOST_SECRETS:
        raise Invalid(f"{MOST_SECRETS} secrets sign already; the oldest ends after 24 hours")
    return replace(endpoint, secret=secret, old_secrets=old, updated_at=now)


def secret_answer(endpoint: Endpoint, now: int) -> SecretAnswer:
    """Return the secrets that sign now."""
    return {
        "secret": endpoint.secret,
        "signature": signature_of(endpoint.secret).value,
        "public_key": public_key(endpoint.secret),
        "old_secrets": [
            {
                "secret": old.secret,
                "signature": signature_of(old.secret).value,
                "public_key": public_key(old.secret),
                "signs_until": rfc3339(old.until),
            }
            for old in endpoint.old_secrets
            if old.signs(now)
        ],
    }


def _wanted(call: Call, before: Endpoint, body: RotationBody) -> str:
    if body.secret is None:
        return made_secret(call, body.signature or signature_of(before.secret).value)
    try:
        signs = signature_of(body.secret)
    except Invalid as error:
        raise Invalid(f"/secret: {error.detail}", [Mistake("/secret", error.detail)]) from error
    if body.signature not in (None, signs.value):
        wrong = f"this secret signs as {signs.value}"
        raise Invalid(f"/signature: {wrong}", [Mistake("/signature", wrong)])
    return body.secret
