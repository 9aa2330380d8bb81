"""What commands print: nothing in it is more to a terminal than letters."""

import typer

from crypitor.runtime.terminal import visible


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, with its line breaks and tabs."""
    typer.echo(visible(text, keep="\n\t"), err=err, nl=nl)
