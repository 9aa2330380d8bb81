"""Messages through Apprise, which knows a hundred services more: an extra, for operators alone.

Its services may be anywhere, also on this machine: it calls them by itself, and no check of other
endpoints is between. Source: github.com/caronc/apprise, "Development API".
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.webhook.connections import Answer
from crypitor.webhook.wire import service_url

MISSING = "Apprise is not installed here: pip install 'crypitor[apprise]'"
UNSENT = "Apprise could not send it: the service refused it, or did not answer"


def check_service(headers: Mapping[str, str]) -> None:
    """Raise Invalid, with a pointer, where Apprise does not know the service of these headers."""
    try:
        _opened(service_url(headers))
    except Invalid as error:
        raise Invalid(error.detail, [Mistake("/headers", error.detail)]) from error


async def send_by_apprise(headers: Mapping[str, str], body: bytes, answer: Answer) -> str | None:
    """Send a message; return why it was not taken, None where it was. Fills the answer.

    The library says no more than whether it was taken. Raises Invalid where it does not know the
    service. Its own time limits end what goes on beside, some seconds after this was cancelled.
    """
    taken = await asyncio.to_thread(_notify, service_url(headers), msgspec.json.decode(body))
    if not taken:
        return UNSENT
    answer.status_code = HTTPStatus.OK
    return None


def _notify(url: str, told: Mapping[str, Any]) -> bool:
    service = _opened(url)
    return bool(
        service.notify(
            body=told["body"], title=told["title"], notify_type=told["type"], body_format="text"
        )
    )


def _opened(url: str) -> Any:
    try:
        import apprise  # noqa: PLC0415 - an extra, of 20 MB
    except ImportError as error:
        raise Invalid(MISSING) from error
    # secure_logging: its lines have no keys. Nothing of it is kept in files.
    asset = apprise.AppriseAsset(app_id="Crypitor", async_mode=False, secure_logging=True)
    service = apprise.Apprise(asset=asset)
    if not service.add(url):
        raise Invalid("Apprise does not know this service, or something is missing in its URL")
    return service
