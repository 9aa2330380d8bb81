"""The form of a monitor: its fields as text, and the body of the API that they stand for.

The kinds of rules and their fields come from the API's own types, so that a new kind is in the form
as soon as the API has it.
"""

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from crypitor.api.monitors.rules import RuleBody
from crypitor.dashboard.frame.hush import hush_fields, quiet_of, silence_of

Fields = MutableMapping[str, str]

KNOWN_FIELDS = ("kind", "direction", "contracts", "signature", "where", "include_failed")
NUMBERS = ("every_seconds", "every_blocks")
MOST_DIGITS = 20
PHASES = ("detected", "confirmed", "reverted")
"""That a new monitor tells."""
_RULE = re.compile(r"rule-(\d{1,3})-([a-z_]{1,40})")
MOST_RULES = 64


@dataclass(frozen=True, slots=True)
class KindForm:
    """A kind of rule. note: what it matches. fields: those that its type has, `kind` left out.

    switches: of those, the ones that are true or false. needed: which may not be empty.
    """

    name: str
    note: str
    fields: tuple[str, ...]
    switches: frozenset[str]
    needed: frozenset[str]

    @property
    def others(self) -> tuple[str, ...]:
        """Fields that this form does not know by name; they are drawn as plain text."""
        return tuple(one for one in self.fields if one not in KNOWN_FIELDS)


def kinds() -> dict[str, KindForm]:
    """Return every kind of rule that the API takes, in its order."""
    return {
        name: KindForm(
            name,
            (model.__doc__ or "").strip().replace("\n", " "),
            tuple(field for field in model.model_fields if field != "kind"),
            frozenset(k for k, v in model.model_fields.items() if v.annotation is bool),
            frozenset(k for k, v in model.model_fields.items() if v.is_required()),
        )
        for model in _models(RuleBody)
        for name in get_args(model.model_fields["kind"].annotation)
    }


def _models(union: Any) -> Iterator[type[BaseModel]]:
    union = getattr(union, "__value__", union)  # of an alias that has a name of its own
    if isinstance(union, type) and issubclass(union, BaseModel):
        yield union
    elif get_origin(union) is not Literal:
        for part in get_args(union):
            yield from _models(part)


def blank(networks: list[str]) -> dict[str, str]:
    """Return the fields of a new monitor: transfers of every kind, where there is one network."""
    chosen = {f"network-{networks[0]}": "on"} if len(networks) == 1 else {}
    rules = {f"rule-{place}-kind": kind for place, kind in enumerate(("native", "erc20"))}
    phases = {f"notify-{phase}": "on" for phase in PHASES}
    return {"enabled": "on", "confirmations": "", **chosen, **rules, **phases}


def fields_of(monitor: Mapping[str, Any]) -> dict[str, str]:
    """Return a monitor, as the API answers it, as the fields of its form."""
    fields = {
        "name": monitor["name"],
        "note": monitor["note"],
        "severity": monitor.get("severity") or "",
        "tags": ", ".join(monitor["tags"]),
        "confirmations": "" if monitor["confirmations"] is None else str(monitor["confirmations"]),
        "any": "on" if monitor["addresses"] == "any" else "",
        "enabled": "on" if monitor["enabled"] else "",
        **hush_fields(monitor),
        "quiet_webhooks": "on" if (monitor.get("quiet") or {}).get("webhooks") else "",
    }
    for group in ("network", "endpoint", "notify"):
        names = monitor["notify" if group == "notify" else f"{group}s"]
        fields |= {f"{group}-{name}": "on" for name in names}
    for place, rule in enumerate(monitor["rules"]):
        for name, value in rule.items():
            text = json.dumps(value) if name == "args" else _text(value)
            fields[f"rule-{place}-{name}"] = text
    return fields


def body_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what the API is told; addresses only where the form has them. Raises Invalid."""
    quiet = quiet_of(fields)
    body: dict[str, Any] = {
        "name": fields.get("name", ""),
        "note": fields.get("note", ""),
        "severity": fields.get("severity") or None,
        "quiet": quiet and {**quiet, "webhooks": fields.get("quiet_webhooks") == "on"},
        "silence": silence_of(fields),
        "networks": _chosen(fields, "network"),
        "endpoints": _chosen(fields, "endpoint"),
        "notify": _chosen(fields, "notify"),
        "tags": [tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip()],
        "confirmations": _confirmations(fields.get("confirmations", "")),
        "enabled": fields.get("enabled") == "on",
        "rules": [rule_of(fields, place) for place in places(fields)] or None,
    }
    if fields.get("any") == "on":
        body["addresses"] = "any"
    elif "addresses" in fields:
        body["addresses"] = list(_addresses(fields["addresses"]))
    if fields.get("webhook"):
        body["webhook"] = {"url": fields["webhook"]}
    return body


def places(fields: Mapping[str, str]) -> list[int]:
    """Return the numbers of the rules in the form."""
    found = {int(form[1]) for name in fields if (form := _RULE.fullmatch(name))}
    return sorted(found)[:MOST_RULES]


def rule_of(fields: Mapping[str, str], place: int) -> dict[str, Any]:
    """Return one rule, with those of its fields that its kind has and that are not empty."""
    kind = fields.get(f"rule-{place}-kind", "")
    rule: dict[str, Any] = {"kind": kind}
    form = kinds().get(kind)
    for name in form.fields if form else ():
        text = fields.get(f"rule-{place}-{name}", "")
        assert form is not None
        if name in form.switches:
            if text:
                rule[name] = True
        elif name == "contracts" and text:
            rule[name] = re.split(r"[\s,;]+", text.strip())
        elif (name == "signature" and text.startswith("{")) or (name == "args" and text):
            rule[name] = _fragment(text)
        elif name in NUMBERS and text.isascii() and text.isdigit():
            rule[name] = int(text[:MOST_DIGITS])
        elif text:
            rule[name] = text
    return rule


def add_rule(fields: Fields) -> None:
    """Add a rule to the form."""
    fields[f"rule-{max(places(fields), default=-1) + 1}-kind"] = "erc20"


def drop_rule(fields: Fields, place: int) -> None:
    """Take a rule from the form."""
    for name in [name for name in fields if name.startswith(f"rule-{place}-")]:
        del fields[name]


def picks(fields: Mapping[str, str], place: int) -> list[tuple[str, str]]:
    """Return what a pasted ABI holds of the rule's kind: a name to be read, and its fragment."""
    wanted = {"event": "event", "call": "function", "view": "function"}
    kind = wanted.get(fields.get(f"rule-{place}-kind", ""))
    try:
        entries = json.loads(fields.get(f"rule-{place}-abi") or "[]")
    except (ValueError, RecursionError):
        return []
    if isinstance(entries, dict):
        entries = entries.get("abi", [entries])  # as compilers write it
    if not isinstance(entries, list):
        return []
    return [
        (_readable(entry), json.dumps(entry, separators=(",", ":")))
        for entry in entries
        if isinstance(entry, dict) and entry.get("type") == kind
    ]


def _readable(entry: Mapping[str, Any]) -> str:
    inputs = entry.get("inputs")
    parts = [
        " ".join(
            str(word)
            for word in (one.get("type"), "indexed" if one.get("indexed") else "", one.get("name"))
            if word
        )
        for one in inputs if isinstance(one, dict)
    ] if isinstance(inputs, list) else []  # fmt: skip
    return f"{entry.get('name', '?')}({', '.join(parts)})"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _fragment(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the API says what is wrong with it


def _chosen(fields: Mapping[str, str], group: str) -> list[str]:
    start = f"{group}-"
    return [
        name.removeprefix(start) for name, on in fields.items() if name.startswith(start) and on
    ]


def _confirmations(text: str) -> int | str | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _addresses(text: str) -> Iterator[str | dict[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        address, comma, label = line.partition(",")
        if comma and label.strip():
            yield {"address": address.strip(), "label": label.strip()}
        else:
            yield address.strip()
