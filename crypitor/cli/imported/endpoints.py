"""Triggers of OpenZeppelin Monitor and notifications of Defender as endpoints. Pure.

Source: OpenZeppelin Monitor 1.6.0, src/models/core/trigger.rs; Defender's API, "notifications".
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from crypitor.cli.imported.expression import Untranslated

Endpoint = dict[str, Any]

Secret = Callable[..., str]
"""The first of these names in the configuration → what it is. Raises Untranslated."""


def endpoint_of(kind: str, config: Mapping[str, Any], environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that tells the same people. Raises Untranslated.

    kind: `trigger_type`, or Defender's `type`. environ: for secrets that stand there.
    """
    made = _KINDS.get(kind)
    if made is None:
        raise Untranslated(f"there is no counterpart of a {kind or 'nameless'} notification")

    def secret(*names: str) -> str:
        for name in names:
            if name in config:
                return secret_value(config[name], environ)
        raise Untranslated(f"it has no {names[0]}")

    return made(config, secret)


def _slack(_config: Mapping[str, Any], secret: Secret) -> Endpoint:
    return {"url": secret("slack_url", "url"), "format": "slack"}


def _discord(_config: Mapping[str, Any], secret: Secret) -> Endpoint:
    return {"url": secret("discord_url", "url"), "format": "discord"}


def _telegram(_config: Mapping[str, Any], secret: Secret) -> Endpoint:
    token, chat = secret("token", "botToken"), secret("chat_id", "chatId")
    url = f"https://api.telegram.org/bot{token}/sendMessage?chat_id={quote(chat)}"
    return {"url": url, "format": "telegram"}


def _webhook(config: Mapping[str, Any], secret: Secret) -> Endpoint:
    method = str(config.get("method") or "POST").upper()
    if method != "POST":
        raise Untranslated(f"webhooks are sent by POST, and not by {method}")
    headers = {
        name: value
        for name, value in (config.get("headers") or {}).items()
        if name.lower() != "content-type"
    }
    return {"url": secret("url"), **({"headers": headers} if headers else {})}


def _opsgenie(config: Mapping[str, Any], secret: Secret) -> Endpoint:
    host = "api.eu.opsgenie.com" if config.get("instanceLocation") == "EU" else "api.opsgenie.com"
    return {
        "url": f"https://{host}/v2/alerts",
        "format": "opsgenie",
        "headers": {"Authorization": f"GenieKey {secret('apiKey', 'create-key')}"},
    }


def _pagerduty(_config: Mapping[str, Any], secret: Secret) -> Endpoint:
    return {
        "url": "https://events.pagerduty.com/v2/enqueue",
        "format": "pagerduty",
        "headers": {"X-Routing-Key": secret("routingKey", "integrationKey")},
    }


def _mail(config: Mapping[str, Any], secret: Secret) -> Endpoint:
    if "host" not in config:
        raise Untranslated("it has no server of its own: make an endpoint of format email")
    user, password = secret("username"), secret("password")
    port = config.get("port") or 465
    scheme = "smtps" if port == 465 else "smtp"
    people = "".join(f"&to={quote(str(one))}" for one in config.get("recipients") or ())
    key = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {
        "url": f"{scheme}://{config['host']}:{port}/?from={quote(str(config.get('sender')))}{people}",
        "format": "email",
        "headers": {"Authorization": f"Basic {key}"},
    }


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Secret], Endpoint]] = {
    "slack": _slack,
    "discord": _discord,
    "telegram": _telegram,
    "webhook": _webhook,
    "email": _mail,
    "opsgenie": _opsgenie,
    "pagerduty": _pagerduty,
}


def secret_value(value: object, environ: Mapping[str, str]) -> str:
    """Return a value that may be said to lie elsewhere. Raises Untranslated."""
    if not isinstance(value, Mapping):
        return str(value)
    kind, name = str(value.get("type", "")).lower(), str(value.get("value", ""))
    if kind == "plain":
        return name
    if kind == "environment":
        if name not in environ:
            raise Untranslated(f"{name} is not set in the environment: set it, and import again")
        return environ[name]
    raise Untranslated(f"a secret of {value.get('type')} is not read: write it as plain, or set it")
