"""`import`: monitors of other services as files for `apply`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crypitor.cli.opened import ConfigPath, failure
from crypitor.errors import ConfigError

if TYPE_CHECKING:
    from crypitor.cli.imported.openzeppelin import Found

imports = typer.Typer(help="Monitors of other services as files for apply.", no_args_is_help=True)

HEAD = "# Made by `crypitor import`; look it through"


@imports.callback()
def options() -> None:
    """Write files for `apply` from what another service is configured with."""


@imports.command("openzeppelin")
def import_openzeppelin(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="With the JSON files of Monitor or Defender.")
    ],
    to: Annotated[Path, typer.Option("--to", help="Where the files are written.")] = Path(),
    config: ConfigPath = None,  # noqa: ARG001 - as every command has it
) -> None:
    """Take over monitors of OpenZeppelin Monitor or Defender; tell what has no counterpart."""
    from crypitor.cli.imported.openzeppelin import found_in

    found = found_in(_documents(folder), os.environ)
    if not found.monitors:
        raise failure(f"{folder} has no monitors{''.join(f'; {one}' for one in found.missing)}")
    for path in _written(found, to):
        typer.echo(f"wrote {path}")
    for one in found.missing:
        typer.echo(f"missing: {one}", err=True)
    disabled = sum(monitor.get("enabled") is False for monitor in found.monitors.values())
    typer.echo(f"{len(found.monitors)} monitors, {disabled} of them disabled")


def _documents(folder: Path) -> list[tuple[str, Any]]:
    """Return the JSON files below a folder. Raises ConfigError with all that cannot be read."""
    paths = sorted(folder.rglob("*.json")) if folder.is_dir() else []
    if not paths:
        raise failure(f"{folder} has no JSON files")
    documents, mistakes = [], []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            documents.append((name, json.loads(path.read_bytes())))
        except OSError as wrong:
            mistakes.append(f"{name}: {wrong.strerror}")
        except (ValueError, RecursionError) as wrong:
            mistakes.append(f"{name}: is no JSON: {wrong}")
    if mistakes:
        raise ConfigError("nothing was written", mistakes)
    return documents


def _written(found: "Found", to: Path) -> list[Path]:
    """Write the files, for their owner alone: URLs and headers may open something."""
    from crypitor.cli.declared.write import tables_text

    texts = {
        "monitors.toml": (
            f"{HEAD}, then: crypitor apply monitors.toml\n\n"
            + tables_text({"endpoints": found.endpoints, "monitors": found.monitors})
        ),
        "networks.toml": f"{HEAD}, and put it into config.toml\n\n"
        + tables_text({"networks": found.networks}),
    }
    paths = []
    for name, text in texts.items():
        if name == "networks.toml" and not found.networks:
            continue
        path = to / name
        try:
            to.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except FileExistsError as wrong:
            raise failure(f"{path} is there already; --to names another folder") from wrong
        except OSError as wrong:
            raise failure(f"{path} cannot be written: {wrong.strerror}") from wrong
        paths.append(path)
    return paths
