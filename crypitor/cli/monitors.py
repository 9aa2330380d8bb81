"""Monitors as files: apply, export."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, load
from crypitor.cli.saying import say

if TYPE_CHECKING:
    from crypitor.cli.declared.remote import Remote
    from crypitor.config import Config

ServiceUrl = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="CRYPITOR_URL", help="Of the service.", show_default="by configuration"
    ),
]
ServiceKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="CRYPITOR_KEY",
        help="API key with write scope.",
        show_default="without --url: the admin key of this installation",
    ),
]


ReadKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="CRYPITOR_KEY",
        help="API key; read scope is enough.",
        show_default="without --url: the admin key of this installation",
    ),
]


class FileFormat(StrEnum):
    """What `export --format` takes."""

    TOML = "toml"
    JSON = "json"


def apply(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="TOML or JSON; - reads it.")],
    prune: Annotated[bool, typer.Option("--prune", help="Delete what no file declares.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the difference.")] = False,
    show_secrets: Annotated[
        bool,
        typer.Option(
            "--show-secrets", help="Print the signing secrets of endpoints that are made."
        ),
    ] = False,
    url: ServiceUrl = None,
    key: ServiceKey = None,
    config: ConfigPath = None,
) -> None:
    """Make a running service have the monitors and endpoints of these files."""
    remote = remote_of(load(config), url, key)
    from crypitor.cli.declared.apply import apply_files

    asyncio.run(
        apply_files(
            files,
            remote,
            say,
            prune=prune,
            dry_run=dry_run,
            show_secrets=show_secrets,
        )
    )


def export(
    form: Annotated[FileFormat, typer.Option("--format", help="Of the text.")] = FileFormat.TOML,
    url: ServiceUrl = None,
    key: ReadKey = None,
    config: ConfigPath = None,
) -> None:
    """Print the monitors and endpoints of a running service as a file for `apply`; no secrets."""
    remote = remote_of(load(config), url, key)
    from crypitor.cli.declared.apply import export_text

    typer.echo(asyncio.run(export_text(remote, form.value)).encode(), nl=False)


def remote_of(config: "Config", url: str | None, key: str | None) -> "Remote":
    """Return the service that is meant; the local admin key goes to the local service alone."""
    from crypitor.cli.declared.remote import Remote, local_key
    from crypitor.config.places import local_url

    if url is None:
        certificate = config.server.tls_certificate
        return Remote(local_url(config), key or local_key(config), certificate)
    return Remote(url, key or "")
