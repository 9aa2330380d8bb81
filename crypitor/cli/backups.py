"""`crypitor backup` and `crypitor restore`: copies of a SQLite database."""

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load
from crypitor.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypitor.config import Config
    from crypitor.database.restoring import Contents, Restored

SERVER = (
    "the database is PostgreSQL: copy it by its own means (pg_dump, pg_basebackup), see"
    " docs/backup.md"
)


def backup(
    file: Annotated[Path, typer.Argument(help="The copy; it must not be there yet.")],
    config: ConfigPath = None,
) -> None:
    """Copy the SQLite database, also while the service runs; the copy is proven whole."""
    from crypitor.config.paths import database_file
    from crypitor.database.copying import copy

    database = database_file(load(config))
    if database is None:
        raise failure(SERVER)
    if not file.absolute().parent.is_dir():
        raise failure(f"there is no folder {file.parent}: make it, or mount the disk that has it")
    copied = copy(database, file)
    say(f"{file}: {copied.size} bytes, whole, schema {copied.revision}")


def restore(
    file: Annotated[
        Path | None, typer.Argument(help="A copy made by `crypitor backup`.", show_default=False)
    ] = None,
    *,
    epoch_only: Annotated[
        bool,
        typer.Option(
            "--epoch-only",
            help="The database was put back already by other means: only begin a new epoch.",
        ),
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Put a copy in the place of the SQLite database, while the service is stopped."""
    loaded = load(config)
    if (file is None) != epoch_only:
        raise typer.BadParameter("name the copy, or say --epoch-only")
    if file is None:
        _begin_epoch(loaded)
        return
    from crypitor.config.paths import database_file
    from crypitor.database.hold import Part, this_process
    from crypitor.database.hold_sqlite import SqliteHold
    from crypitor.database.restoring import restore as put_back

    database = database_file(loaded)
    if database is None:
        raise failure(SERVER)
    _refuse_a_running_owner(loaded)
    hold = SqliteHold(database, this_process(dict.fromkeys(Part, True)))
    hold.take_early()  # whoever starts meanwhile is refused
    try:
        restored = asyncio.run(put_back(file, database, secrets.token_bytes))
    finally:
        asyncio.run(hold.release())
    say(f"{database} is now what {file} has")
    for line in told(restored):
        say(line)


def _begin_epoch(config: "Config") -> None:
    from crypitor.database.restoring import begin_epoch

    _refuse_a_running_owner(config)
    in_database(config, lambda tx: begin_epoch(tx, secrets.token_bytes))
    say(CURSORS)


def _refuse_a_running_owner(config: "Config") -> None:
    from crypitor.database.holds import holders_of

    if holders := asyncio.run(holders_of(config)):
        raise failure(
            f"the database is held by {' and '.join(map(str, holders))}: stop that first, then"
            " restore"
        )


CURSORS = (
    "A new epoch begins: cursors that were given out before are refused (410), also those from"
    " before the copy was made. Whoever reads the feeds begins anew, without a cursor."
)


def told(restored: "Restored") -> "Iterator[str]":
    """Yield what follows from a restore, a line each."""
    before, after = restored.before, restored.after
    steps = ", ".join(restored.applied)
    yield f"Schema: {restored.revision}" + (f", brought up by {steps}." if steps else ".")
    yield from _again(before, after)
    waiting = after.counts.get("waiting", 0)
    if waiting:
        yield (
            f"Deliveries that waited when the copy was made: {waiting}. They are sent now, with the"
            " same webhook-id, also those that were taken since."
        )
    yield CURSORS
    if before is not None:
        yield from _undone(before, after)
    else:
        yield "What was changed over the API since the copy was made is undone."
    if restored.kept is not None:
        yield f"What was there is kept: {restored.kept}. Remove it when it is of no more use."


def _again(before: "Contents | None", after: "Contents") -> "Iterator[str]":
    """Yield from where each network goes on."""
    for network, tip in sorted(after.tips.items()):
        reached = before.tips.get(network) if before else None
        if reached is not None and reached > tip:
            yield (
                f"{network}: blocks {tip + 1} to {reached} are matched again. Their webhooks are"
                " sent again with the same webhook-id: receivers that know it take them once."
            )
        elif reached is None:
            yield (
                f"{network}: goes on after block {tip}. What was matched above it is matched and"
                " sent again, with the same webhook-id."
            )
    for network in sorted((before.tips.keys() if before else set()) - after.tips.keys()):
        yield (
            f"{network}: the copy has none of its blocks, so it begins as networks.{network}.start"
            " says. Blocks that were matched since and lie before that are not told again."
        )


def _undone(before: "Contents", after: "Contents") -> "Iterator[str]":
    """Yield what was changed over the API since the copy was made."""
    changes = [
        f"{what} {before.counts[what]} → {after.counts[what]}"
        for what in ("projects", "monitors", "addresses", "endpoints")
        if before.counts[what] != after.counts[what]
    ]
    counted = f" ({', '.join(changes)})" if changes else ""
    yield f"What was changed over the API since the copy was made is undone{counted}."
    if valid_again := sorted(after.keys - before.keys):
        yield (
            f"API keys that were revoked since and open the API again: {', '.join(valid_again)}."
            " Revoke them: crypitor key revoke ID"
        )
    if lost := sorted(before.keys - after.keys):
        yield f"API keys that were made since and are gone: {', '.join(lost)}."
