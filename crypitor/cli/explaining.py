"""`crypitor explain`: what an alarm, an event of the log or a reason in `trouble` means."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure
from crypitor.cli.saying import say

VALUE = "…"


def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            help="An alarm, an event of the log, or a trouble.", show_default="lists the names"
        ),
    ] = None,
    config: ConfigPath = None,  # noqa: ARG001 - as every command has it
) -> None:
    """Say what it means, what is at risk, and what to do."""
    folder = docs_folder()
    if name is None:
        typer.echo("\n".join(names((folder / "runbook.md").read_text(encoding="utf-8"))))
        typer.echo("\nand every sentence of `trouble`, as it stands there", err=True)
        return
    found = [*explanations(name, (folder / "runbook.md").read_text(encoding="utf-8"))]
    found += reasons(name, (folder / "what-can-stop-it.md").read_text(encoding="utf-8"))
    if not found:
        raise failure(
            f"nothing is known of {name!r}; docs/runbook.md has all names, docs/what-can-stop-it.md"
            f" all sentences of `trouble`{_close(name)}"
        )
    say("\n\n".join(found))


def docs_folder() -> Path:
    """Return where the pages are: within the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_docs"
    return installed if installed.exists() else package.parent / "docs"


def explanations(name: str, page: str) -> Iterator[str]:
    """Yield the runbook's page of an alarm or an event; capital letters do not matter."""
    for section in page.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        if title.casefold() == name.strip().casefold():
            yield f"{title}\n\n{text.strip()}"


def names(page: str) -> list[str]:
    """Return what the runbook has pages of, in its order."""
    return [line[3:] for line in page.splitlines() if line.startswith("## ")]


def reasons(sentence: str, page: str) -> Iterator[str]:
    """Yield what the rows say that a sentence is an example of, the most exact one first.

    Several sentences may stand in one, joined by a semicolon, each with a name before it.
    """
    cells = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    rows = [(row[0][3:].rstrip("`"), row[1], row[2][:-2]) for row in cells if len(row) == 3]
    told = [*dict.fromkeys([sentence, *sentence.split("; ")])]
    found = [
        (len(form.replace(VALUE, "")), f"{form}\n\nMeans: {means}\n\nDo: {do}")
        for form, means, do in rows
        if any(_is_example(one.replace("`", ""), form) for one in told)
    ]
    for _, text in sorted(found, reverse=True):
        yield text


def _is_example(sentence: str, form: str) -> bool:
    # Two spaces and line breaks are one; before it may stand which node says so.
    said = ".+?".join(re.escape(part) for part in form.split(VALUE))
    example = re.compile(rf"(\S+: )?{said}")
    return example.fullmatch(" ".join(sentence.split())) is not None


def _close(name: str) -> str:
    page = (docs_folder() / "runbook.md").read_text(encoding="utf-8")
    close = get_close_matches(name, names(page), n=1)
    return f". Did you mean {close[0]!r}?" if close else ""
