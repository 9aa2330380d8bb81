"""The commands. Only what `--help` needs is imported before a command is known."""

import signal
import sys
from typing import Annotated, NoReturn

import typer

from crypitor.cli import (
    backups,
    beginning,
    development,
    explaining,
    monitors,
    reloading,
    running,
)
from crypitor.cli.importing import imports
from crypitor.cli.keys import keys
from crypitor.cli.networks import networks
from crypitor.cli.queues import queue
from crypitor.cli.saying import say
from crypitor.errors import ConfigError, CrypitorError
from crypitor.runtime.certificates import trust
from crypitor.runtime.signals import note_interrupts

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 128 + signal.SIGINT

cli = typer.Typer(
    name="crypitor",
    help="Follow EVM chains, match what you care about, deliver it by signed webhook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback(invoke_without_command=True)
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print version, commit, Python, SQLite.")
    ] = False,
) -> None:
    """Follow EVM chains, match what you care about, deliver it by signed webhook."""
    if version:
        from crypitor.runtime.version import description

        say(description())
        raise typer.Exit


for command in (
    beginning.init,
    running.run,
    running.demo,
    running.check,
    running.migrate,
    backups.backup,
    backups.restore,
    reloading.reload,
    explaining.explain,
    monitors.apply,
    monitors.export,
    development.listen,
    development.simulate,
    development.bench,
):
    below = development.WAYS_TO_DIFFER if command is development.simulate else None
    cli.command(epilog=below)(command)
cli.command("log-level")(reloading.log_level)
cli.add_typer(imports, name="import")
cli.add_typer(keys, name="key")
cli.add_typer(networks, name="network")
cli.add_typer(queue, name="queue")


def main() -> NoReturn:
    """Run a command; the exit status is 0 done, 1 failed while running, 2 wrong usage."""
    try:
        note_interrupts()
        trust()
        cli()
    except KeyboardInterrupt:  # beside the command itself, which ends by it in its own way
        sys.exit(INTERRUPTED)
    except ConfigError as mistakes:
        say(str(mistakes), err=True)
        sys.exit(WRONG_USAGE)
    except CrypitorError as failure:
        say(f"crypitor: {failure}", err=True)
        sys.exit(FAILED)
    sys.exit(DONE)
