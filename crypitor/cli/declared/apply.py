"""Makes a service have what files declare, and writes down what it has."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crypitor.api.monitors.body import MOST_INLINE_ADDRESSES
from crypitor.cli.declared.files import STDIN, Addresses, read_files
from crypitor.cli.declared.plan import Change, Plan, Planner, lines, path_of
from crypitor.cli.declared.remote import Refused, Remote
from crypitor.cli.declared.write import json_text, toml_text
from crypitor.errors import CrypitorError

Tell = Callable[[str], None]


async def apply_files(
    names: Sequence[str],
    remote: Remote,
    tell: Tell,
    *,
    prune: bool,
    dry_run: bool,
    show_secrets: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Plan:
    """Bring the service to what the files say, telling each step; return what was to be done.

    What was done before a refusal stays: another run goes on from there. show_secrets: tell the
    signing secret of each endpoint that is made. Raises ConfigError for mistakes in the files,
    before anything is sent.
    """
    declarations = read_files(names, _read)
    async with remote:
        held = await remote.held()
        declared = {one.key for one in declarations if one.table == "monitors"}
        addresses = {
            one.id: await remote.addresses(one)
            for one in held
            if one.table == "monitors" and (one.key in declared or one.id in declared)
        }
        plan = Planner(declarations, held, addresses, environ).plan(prune=prune)
        for line in lines(plan):
            tell(line)
        if not dry_run:
            keys = {one.key: one.id for one in held if one.table == "endpoints"}
            for change in plan.changes:
                secret = await _execute(change, remote, keys)
                if show_secrets and secret is not None:
                    tell(f"endpoint {change.key}: its secret is {secret}")
    return plan


async def export_text(remote: Remote, form: str) -> str:
    """Return all endpoints and monitors as text. form: `toml` or `json`."""
    async with remote:
        held = await remote.held()
        keys = {one.id: one.key for one in held if one.table == "endpoints"}
        addresses = {one.id: await remote.addresses(one) for one in held if one.table == "monitors"}
    return (json_text if form == "json" else toml_text)(held, keys, addresses)


def _read(name: str) -> str:
    # Not by the locale's encoding: TOML and JSON are UTF-8, whoever reads or writes them.
    return (sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()).decode()


async def _execute(change: Change, remote: Remote, keys: dict[str, str]) -> str | None:
    """Take one step; return the secret of an endpoint that was made.

    keys: of endpoints → ids; what is created is added.
    """
    try:
        if change.action == "delete":
            assert change.held is not None
            await remote.delete(change.table, change.held.id)
        elif change.held is None:
            made = await remote.create(change.table, _body(change, keys))
            if change.table == "endpoints":
                keys[change.key] = made["id"]
                secret: str | None = made.get("secret")
                return secret
            await _add_the_others(change, made["id"], remote)
        else:
            if body := _body(change, keys):
                await remote.change(change.table, change.held.id, body)
            await _add_the_others(change, change.held.id, remote)
    except Refused as refused:
        raise CrypitorError(_where(change, refused)) from refused
    return None


def _body(change: Change, keys: Mapping[str, str]) -> dict[str, Any]:
    body = dict(change.fields)
    if change.endpoints is not None:
        body["endpoints"] = [keys[key] for key in change.endpoints]
    if change.addresses == "any":
        body["addresses"] = "any"
    elif change.addresses is not None and _fits(change):
        body["addresses"] = [
            {"address": address, "label": label} for address, label in change.addresses.items()
        ]
    elif change.addresses is not None and change.before == "any":
        body["addresses"] = []
    return body


def _fits(change: Change) -> bool:
    """Whether the addresses go with the monitor, so that all change in one moment."""
    return change.addresses is not None and len(change.addresses) <= MOST_INLINE_ADDRESSES


async def _add_the_others(change: Change, monitor_id: str, remote: Remote) -> None:
    """Bring in step a great many addresses, which go in a call of their own."""
    after = change.addresses
    if after is None or after == "any" or _fits(change):
        return
    before: Addresses = {} if change.before == "any" else change.before
    assert isinstance(before, dict)
    # An added address takes a new label, but keeps the old one where there is no new one.
    gone = [(a, None) for a, old in before.items() if a not in after or (old and not after[a])]
    missing = {address for address, _ in gone}
    await remote.remove_addresses(monitor_id, gone)
    await remote.add_addresses(
        monitor_id,
        [
            (address, label)
            for address, label in after.items()
            if address not in before or address in missing or before[address] != label
        ],
    )


def _where(change: Change, refused: Refused) -> str:
    if change.declaration is None or not refused.places:
        return f"{change.table.removesuffix('s')} {change.key}: {refused}"
    return "\n".join(
        change.declaration.mistake(path_of(pointer), detail) for pointer, detail in refused.places
    )
