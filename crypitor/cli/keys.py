"""`crypitor key`: API keys."""

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load
from crypitor.cli.saying import say
from crypitor.runtime.terminal import visible

if TYPE_CHECKING:
    from crypitor.database.engine import Transaction
    from crypitor.database.keys import Key

keys = typer.Typer(help="API keys.", no_args_is_help=True)


class ScopeName(StrEnum):
    """What `key create --scope` takes."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="For people.")],
    scope: Annotated[ScopeName, typer.Option(help="How far it reaches.")] = ScopeName.WRITE,
    project: Annotated[
        str | None, typer.Option(help="Id of its project.", show_default="the operator's")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Until it expires.", show_default="never")
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Make a key, and print its secret: it is shown this once and stored nowhere."""
    from crypitor.database import keys as stored
    from crypitor.database.audit import Actor, Deed, record_deed
    from crypitor.database.projects import get_project
    from crypitor.runtime.loop import clock

    async def create(tx: "Transaction") -> str:
        owner = project or await stored.ensure_project(tx, clock(), secrets.token_bytes)
        if await get_project(tx, owner) is None:
            raise failure(f"there is no project {owner}")
        wanted = stored.Scope[scope.upper()]
        now = clock()
        key, secret = await stored.create_key(
            tx,
            owner,
            name,
            wanted,
            now,
            secrets.token_bytes,
            expires_at=None if days is None else now + round(days * 86_400_000),
        )
        deed = Deed(owner, "key.create", key.id, after=_told(key))
        await record_deed(tx, Actor("command"), deed, now)
        return secret

    say(in_database(load(config), create))


@keys.command("list")
def list_keys(config: ConfigPath = None) -> None:
    """List the keys of all projects; never their secrets."""
    from crypitor.database import keys as stored
    from crypitor.runtime.loop import clock
    from crypitor.webhook.body import rfc3339

    rows = [("ID", "SCOPE", "CREATED", "PROJECT", "STATE", "NAME")]
    for key in in_database(load(config), lambda tx: stored.list_keys(tx, None)):
        state = f"revoked {rfc3339(key.revoked_at)}" if key.revoked_at else "valid"
        if key.expires_at and not key.revoked_at:
            over = key.expires_at <= clock()
            state = f"{'expired' if over else 'valid until'} {rfc3339(key.expires_at)}"
        made = rfc3339(key.created_at)
        rows.append((key.id, key.scope.word, made, key.project_id, state, visible(key.name)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    config: ConfigPath = None,
) -> None:
    """Revoke a key; it opens nothing from now on."""
    from crypitor.database import keys as stored
    from crypitor.database.audit import Actor, Deed, record_deed
    from crypitor.runtime.loop import clock

    async def revoke(tx: "Transaction") -> bool:
        key = await stored.get_key(tx, None, key_id)
        if key is None:
            return False
        now = clock()
        await stored.revoke_key(tx, None, key_id, now)
        deed = Deed(key.project_id, "key.delete", key_id, before=_told(key))
        await record_deed(tx, Actor("command"), deed, now)
        return True

    if not in_database(load(config), revoke):
        raise failure(f"there is no key {key_id}")
    say(f"revoked {key_id}")


def _told(key: "Key") -> dict[str, object]:
    """Return a key as the audit has it."""
    return {"name": key.name, "scope": key.scope.word, "expires_at": key.expires_at}
