"""What has to change so that a service has what the files declare. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from crypitor.cli.declared.files import Addresses, Declaration, Table
from crypitor.cli.declared.forms import (
    HIDDEN,
    Held,
    endpoint_form,
    is_id,
    is_shown,
    monitor_form,
    told_tls,
)
from crypitor.errors import ConfigError, Invalid

NAMES = ("name", "description")

MOST_SHOWN = 5
"""Addresses that a difference names; of the others it tells how many there are."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step. declaration: None for a deletion. held: None for a creation.

    fields: what to send, but for addresses and a monitor's endpoints.
    endpoints: keys or ids of a monitor's endpoints, None where they stay.
    addresses: all of them, None where they stay. before: those that are there.
    differences: lines for people.
    """

    action: Literal["create", "change", "delete"]
    table: Table
    key: str
    declaration: Declaration | None
    held: Held | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    endpoints: Sequence[str] | None = None
    addresses: Addresses | None = None
    before: Addresses = field(default_factory=dict)
    differences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in their order. unchanged: declared resources that need none.

    others: resources that no file declares and that stay. warnings: lines for people.
    """

    changes: Sequence[Change]
    unchanged: int
    others: int
    warnings: Sequence[str] = ()


class Planner:
    """Compares declarations with what a service has.

    addresses: monitor id → its addresses, of every monitor that is declared.
    environ: where headers come from that a file takes from the environment.
    """

    def __init__(
        self,
        declarations: Sequence[Declaration],
        held: Sequence[Held],
        addresses: Mapping[str, Addresses],
        environ: Mapping[str, str],
    ) -> None:
        self._declarations = declarations
        self._held = held
        self._addresses = addresses
        self._environ = environ
        self._mistakes: list[str] = []
        self._keys = {one.id: one.key for one in held if one.table == "endpoints"}

    def plan(self, *, prune: bool) -> Plan:
        """Return the steps. Raises ConfigError with all mistakes of the files."""
        wanted = sorted(self._declarations, key=lambda one: one.table)
        found = [(one, self._counterpart(one)) for one in wanted]
        compared = [self._compared(one, held) for one, held in found]
        claimed = {held.id for _, held in found if held} | self._named()
        left = [one for one in self._held if one.id not in claimed]
        # Monitors go first: an endpoint that one still names would be taken from it.
        pruned = sorted(left, key=lambda one: one.table, reverse=True) if prune else []
        if self._mistakes:
            raise ConfigError("nothing was applied", self._mistakes)
        changes = [change for change in compared if change]
        return Plan(
            changes + [Change("delete", one.table, one.key, None, one) for one in pruned],
            unchanged=compared.count(None),
            others=len(left) - len(pruned),
            warnings=[*_renamed(changes, pruned)],
        )

    def _counterpart(self, declared: Declaration) -> Held | None:
        held = [one for one in self._held if one.table == declared.table]
        found = next((one for one in held if declared.key in (one.key, one.id)), None)
        if found is None:
            same = [one.id for one in held if one.name == declared.key]
            if same:
                told = f"the service has {len(same)} of this name ({', '.join(same)})"
                wrong = f"{told}: take the id of the one that is meant as the key"
                self._mistakes.append(declared.mistake((), wrong))
            elif is_id(declared.key):
                wrong = "the service has none with this id; what is new has a name as its key"
                self._mistakes.append(declared.mistake((), wrong))
        return found

    def _named(self) -> set[str]:
        """Return the ids of endpoints that a declared monitor names."""
        by_key = {key: endpoint for endpoint, key in self._keys.items()}
        return {
            by_key.get(name, name)
            for one in self._declarations
            if one.table == "monitors"
            for name in one.fields.get("endpoints") or ()
            if isinstance(name, str)
        }

    def _compared(self, declared: Declaration, held: Held | None) -> Change | None:
        try:
            if declared.table == "endpoints":
                return self._endpoint(declared, held)
            return self._monitor(declared, held)
        except Invalid as wrong:
            for mistake in wrong.mistakes:
                self._mistakes.append(declared.mistake(path_of(mistake.pointer), mistake.detail))
            if not wrong.mistakes:
                self._mistakes.append(declared.mistake(("url",), wrong.detail))
            return None

    def _endpoint(self, declared: Declaration, held: Held | None) -> Change | None:
        key = declared.key
        by_id = held is not None and key == held.id
        headers = self._headers(declared, held.form["headers"] if held else {})
        called = held.form["description"] if held and by_id else key
        fields = {"description": called, **declared.fields, "headers": headers}
        if "tls" in declared.fields:
            fields["tls"] = self._from_environment(declared, "tls")
        form = endpoint_form(fields)
        tls = told_tls(form["tls"])
        if held and tls == held.form["tls"]:
            form["tls"] = tls
        elif tls and any(map(is_shown, (form["tls"] or {}).values())):
            wrong = 'the service has another or none: write the PEM, or {env = "NAME"}'
            self._mistakes.append(declared.mistake(("tls",), wrong))
        if form["url"] == key and "description" not in declared.fields:
            form["description"] = ""
        if not by_id and (form["description"] or form["url"]) != key:
            told = "an endpoint is known by its description, or else its URL: that is the key"
            self._mistakes.append(declared.mistake(("description",), told))
        if held is None:
            return Change("create", "endpoints", key, declared, None, form, differences=_all(form))
        changed = {name: value for name, value in form.items() if value != held.form[name]}
        if not changed:
            return None
        differences = [_difference(name, held.form[name], form[name]) for name in changed]
        if "headers" in changed:
            gone = held.form["headers"].keys() - headers.keys()
            changed["headers"] = {**headers, **dict.fromkeys(gone)}
        return Change("change", "endpoints", key, declared, held, changed, differences=differences)

    def _from_environment(self, declared: Declaration, name: str) -> Any:
        """Return a table with what stands in the environment in place of `{env = "NAME"}`."""
        table = declared.fields[name]
        if not isinstance(table, Mapping):
            return table
        values = dict(table)
        for part, value in table.items():
            if isinstance(value, Mapping) and list(value) == ["env"]:
                if value["env"] not in self._environ:
                    told = f"{value['env']} is not set in the environment"
                    self._mistakes.append(declared.mistake((name, part), told))
                values[part] = self._environ.get(value["env"]) or None
        return values

    def _headers(self, declared: Declaration, present: Mapping[str, str]) -> dict[str, Any]:
        """Return the headers with their values, hidden ones as the service has them."""
        headers: Any = declared.fields.get("headers", {})
        values: dict[str, Any] = {}
        if not isinstance(headers, Mapping):
            self._mistakes.append(declared.mistake(("headers",), "this has to be a table"))
            return values
        for name, value in headers.items():
            place = ("headers", name)
            values[name] = value
            if value == HIDDEN:
                if name not in present:
                    told = 'the service has no such header yet: write it, or {env = "NAME"}'
                    self._mistakes.append(declared.mistake(place, told))
                values[name] = present.get(name, "")
            elif isinstance(value, Mapping) and list(value) == ["env"]:
                if value["env"] not in self._environ:
                    told = f"{value['env']} is not set in the environment"
                    self._mistakes.append(declared.mistake(place, told))
                values[name] = self._environ.get(value["env"], "")
        return values

    def _monitor(self, declared: Declaration, held: Held | None) -> Change | None:
        key, fields = declared.key, declared.fields
        if "webhook" in fields:
            told = "in a file an endpoint stands in a table of its own: [endpoints.KEY]"
            self._mistakes.append(declared.mistake(("webhook",), told))
        by_id = held is not None and key == held.id
        form = monitor_form({"name": held.name if held and by_id else key, **fields})
        if not by_id and form["name"] != key:
            told = "a monitor is known by its name: it is the key"
            self._mistakes.append(declared.mistake(("name",), told))
        endpoints = self._endpoints(declared)
        if held is None:
            differences = _all({**form, "endpoints": endpoints})
            differences += _address_differences({}, declared.addresses)
            return Change(
                "create", "monitors", key, declared, None, form, endpoints, declared.addresses,
                differences=differences,
            )  # fmt: skip
        changed = {name: value for name, value in form.items() if value != held.form[name]}
        differences = [_difference(name, held.form[name], form[name]) for name in changed]
        present = [self._keys.get(one, one) for one in held.endpoints]
        if present != endpoints:
            differences.append(_difference("endpoints", present, endpoints))
        before = self._addresses[held.id]
        differences += _address_differences(before, declared.addresses)
        if not differences:
            return None
        return Change(
            "change", "monitors", key, declared, held, changed,
            None if present == endpoints else endpoints,
            None if before == declared.addresses else declared.addresses,
            before, differences,
        )  # fmt: skip

    def _endpoints(self, declared: Declaration) -> list[str]:
        """Return the keys of a monitor's endpoints; ids only of those that have no other name."""
        names = declared.fields.get("endpoints", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            told = "this has to be a list of keys of endpoints"
            self._mistakes.append(declared.mistake(("endpoints",), told))
            return []
        known = {one.key for one in self._declarations if one.table == "endpoints"}
        known |= set(self._keys.values())
        keys = [str(self._keys.get(name, name)) for name in names]
        for place, key in enumerate(keys):
            if key not in known:
                told = "neither a file nor the service has this endpoint"
                self._mistakes.append(declared.mistake(("endpoints", place), told))
        return list(dict.fromkeys(keys))


def _renamed(changes: Sequence[Change], pruned: Sequence[Held]) -> Iterator[str]:
    """Yield a line for each that goes where one comes that is the same but for its name."""
    for gone in pruned:
        for change in changes:
            if change.held is not None or change.table != gone.table:
                continue
            if all(gone.form[name] == v for name, v in change.fields.items() if name not in NAMES):
                word = change.table.removesuffix("s")
                name = "description" if change.table == "endpoints" else "name"
                yield (
                    f"! {word} {gone.key} goes and {change.key} comes, with an id of its own, and "
                    f"nothing of what was before. If it is only renamed, let its key be {gone.id}, "
                    f"with {name} = {json.dumps(change.key, ensure_ascii=False)}"
                )


def path_of(pointer: str) -> tuple[str | int, ...]:
    """Return an RFC 6901 pointer as a path."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _all(form: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_shown(name, value)}" for name, value in form.items() if value]


def _difference(name: str, before: Any, after: Any) -> str:
    return f"{name}: {_shown(name, before)} → {_shown(name, after)}"


def _shown(name: str, value: Any) -> str:
    if name == "headers":  # what they hold is nobody's business
        value = dict.fromkeys(value, HIDDEN)
    if name == "tls":
        value = told_tls(value)
    return json.dumps(value, ensure_ascii=False)


def _address_differences(before: Addresses, after: Addresses) -> list[str]:
    if before == after:
        return []
    if before == "any" or after == "any":
        return [f"addresses: {_count(before)} → {_count(after)}"]
    lines = []
    for sign, some in (
        ("+", [(one, label) for one, label in after.items() if one not in before]),
        ("-", [(one, label) for one, label in before.items() if one not in after]),
        ("~", [(a, label) for a, label in after.items() if a in before and before[a] != label]),
    ):
        if some:
            lines.append(f"addresses: {sign} {_some(some)}")
    return lines


def _some(entries: Sequence[tuple[str, str | None]]) -> str:
    named = [f"{one} ({label})" if label else one for one, label in entries[:MOST_SHOWN]]
    more = len(entries) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _count(addresses: Addresses) -> str:
    return "any" if addresses == "any" else f"{len(addresses)} of them"


def lines(plan: Plan) -> Iterable[str]:
    """Yield a plan as people read it."""
    signs = {"create": "+", "change": "~", "delete": "-"}
    for change in plan.changes:
        yield f"{signs[change.action]} {change.table.removesuffix('s')} {change.key}"
        yield from (f"    {difference}" for difference in change.differences)
    yield from plan.warnings
    counts = {action: sum(c.action == action for c in plan.changes) for action in signs}
    yield (
        f"{counts['create']} to create, {counts['change']} to change, {counts['delete']} to delete,"
        f" {plan.unchanged} unchanged"
        + (f"; {plan.others} that no file declares stay" if plan.others else "")
    )
