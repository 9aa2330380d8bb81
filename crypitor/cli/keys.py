"""`crypitor key`: API keys."""

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load

if TYPE_CHECKING:
    from crypitor.database.engine import Transaction

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
    config: ConfigPath = None,
) -> None:
    """Make a key, and print its secret: it is shown this once and stored nowhere."""
    from crypitor.database import keys as stored
    from crypitor.runtime.loop import clock

    async def create(tx: "Transaction") -> str:
        owner = project or await stored.ensure_project(tx, clock(), secrets.token_bytes)
        if not await stored.list_projects(tx, only=owner):
            raise failure(f"there is no project {owner}")
        wanted = stored.Scope[scope.upper()]
        _, secret = await stored.create_key(tx, owner, name, wanted, clock(), secrets.token_bytes)
        return secret

    typer.echo(in_database(load(config), create))


@keys.command("list")
def list_keys(config: ConfigPath = None) -> None:
    """List the keys of all projects; never their secrets."""
    from crypitor.database import keys as stored
    from crypitor.webhook.body import rfc3339

    for key in in_database(load(config), lambda tx: stored.list_keys(tx, None)):
        state = f"revoked {rfc3339(key.revoked_at)}" if key.revoked_at else "valid"
        made = rfc3339(key.created_at)
        typer.echo(f"{key.id}  {key.scope.word:<5}  {made}  {key.project_id}  {state}  {key.name}")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    config: ConfigPath = None,
) -> None:
    """Revoke a key; it opens nothing from now on."""
    from crypitor.database import keys as stored
    from crypitor.runtime.loop import clock

    if not in_database(load(config), lambda tx: stored.revoke_key(tx, None, key_id, clock())):
        raise failure(f"there is no key {key_id}")
    typer.echo(f"revoked {key_id}")
