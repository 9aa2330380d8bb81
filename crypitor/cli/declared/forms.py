"""One form for what a file wants and for what the service has, so that they can be compared. Pure.

Both go through the types of the API itself: defaults, spelling of addresses and order of rules are
the service's, and what it does not accept is refused before anything is sent.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crypitor.api.endpoints.body import EndpointBody, TlsBody
from crypitor.api.monitors.asked import monitor_of
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.monitors.document import document
from crypitor.api.serving.reading import validated
from crypitor.cli.declared.files import Table
from crypitor.webhook.egress import check_url, networks
from crypitor.webhook.mail import EMAIL, check_mail_url
from crypitor.webhook.own_receiver import OWN_RECEIVER, is_own_receiver
from crypitor.webhook.tls import Tls, check_tls, shown
from crypitor.webhook.topic import topic_of

HIDDEN = "***"
"""In place of a header's value: whatever the service has."""

APART = ("addresses", "endpoints", "webhook")
"""Fields of a monitor that are compared in their own way."""

_ID = re.compile("(mo|ep)_[A-Za-z0-9_-]{22,}")
_ANYWHERE = networks(("0.0.0.0/0", "::/0"))


@dataclass(frozen=True, slots=True)
class Held:
    """A monitor or endpoint of the service.

    key: its name, or its id where others have that name, or it has none. form: as below.
    endpoints: ids, of a monitor.
    """

    table: Table
    id: str
    name: str
    key: str
    form: dict[str, Any]
    any_address: bool = False
    endpoints: tuple[str, ...] = ()


def keyed(held: Sequence[Held]) -> list[Held]:
    """Return all with their keys: no two of a table have the same."""
    names = Counter((one.table, one.name) for one in held)
    return [
        replace(one, key=one.name)
        if one.name.strip() and names[one.table, one.name] == 1 and not is_id(one.name)
        else replace(one, key=one.id)
        for one in held
    ]


def is_id(key: str) -> bool:
    """Whether a key is the id of a monitor or an endpoint, and no name."""
    return _ID.fullmatch(key) is not None


def endpoint_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an endpoint with all its fields. Raises Invalid with pointers."""
    form = validated(EndpointBody, dict(fields)).model_dump()
    # Whether the address may be called is for the service to say; here only its spelling counts.
    if is_own_receiver(form["url"]) and form["format"] != EMAIL:
        form["url"] = OWN_RECEIVER
    elif topic_of(form["url"]) is None:
        check = check_mail_url if form["format"] == EMAIL else check_url
        form["url"] = check(form["url"], _ANYWHERE)
    return form


def monitor_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a monitor with all its fields but those `APART`. Raises Invalid with pointers."""
    body = validated(MonitorBody, {k: v for k, v in fields.items() if k not in APART})
    form = document(monitor_of(body, "", "", 0, 0, None))
    return {name: value for name, value in form.items() if name not in APART}


def answered(form: type[EndpointBody | MonitorBody], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer that can also be written."""
    fields = {name: answer[name] for name in form.model_fields if name in answer}
    if "tls" in fields:
        fields["tls"] = {name: fields["tls"][name] for name in TlsBody.model_fields}
    return fields


def told_tls(tls: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
    """Return the TLS of a file as the service shows it. Raises Invalid for what cannot be used.

    What the service has shown already, as in an export, stays as it is.
    """
    if tls is None or not any(tls.values()):
        return None
    if any(is_shown(value) for value in tls.values()):
        return dict(tls)
    written = Tls(**tls)
    check_tls(written)
    told = shown(written)
    return {"ca": told.ca, "certificate": told.certificate, "key": told.key}


def is_shown(value: str | None) -> bool:
    """Tell whether a part of TLS is what the service shows, and not the part itself."""
    return value is not None and (value == HIDDEN or value.startswith("sha256:"))


def endpoint_key(answer: Mapping[str, Any]) -> str:
    """Return how files call an endpoint: its description, or else its URL."""
    key: str = answer["description"] or answer["url"]
    return key
