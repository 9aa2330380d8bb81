"""Runs benches and prints a table, or one JSON document; compares two revisions in turn."""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import BENCHES
from bench.figures import figure, leaves, shown
from bench.measuring import machine

ROOT = Path(__file__).parents[1]
ROUNDS = 5


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    asked = _asked()
    if asked.only:
        print(json.dumps(import_module(f"bench.{asked.only}").bench(quick=asked.quick)))
        return 0
    names = asked.names or [*BENCHES]
    if unknown := sorted({*names} - {*BENCHES}):
        print(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if asked.against:
        found = _compared(names, asked)
    else:
        found = {name: _one(name, ROOT, quick=asked.quick) for name in names}
    document = {"machine": machine(), "revision": _revision(), "benches": found}
    if asked.json:
        print(json.dumps(document, indent=1))
    else:
        _print(found)
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="crypitor bench",
        description="Measures what this machine needs for it. The benches are:",
        epilog="\n".join(f"  {name:<12} {what}" for name, what in BENCHES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, if none is named")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller inputs")
    parser.add_argument("--against", metavar="REV", help="also measure another revision, in turn")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of --against")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    return parser.parse_args()


def _one(name: str, folder: Path, *, quick: bool) -> dict:
    """Run a bench in a process of its own, with the product in this folder."""
    print(f"{name} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    options = ["--quick"] if quick else []
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", name, *options],
        cwd=folder, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"failed": f"exit status {done.returncode}"}
    print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def _compared(names: Sequence[str], asked: argparse.Namespace) -> dict:
    """Measure two revisions in turn, with the benches as they are here.

    What changed by more than noise shows in the ratio, which is taken pair by pair.
    """
    with _worktree(asked.against) as other:
        found = {}
        for name in names:
            pairs = [
                [dict(leaves(_one(name, folder, quick=asked.quick))) for folder in (other, ROOT)]
                for _ in range(asked.rounds)
            ]
            found[name] = {place: _change(place, pairs) for place in _places(pairs)}
        return found


def _places(pairs: Sequence[Sequence[dict]]) -> list[str]:
    first, others = pairs[0][1], [one for pair in pairs for one in pair]
    return [
        place
        for place, leaf in first.items()
        if isinstance(leaf, dict) and all(isinstance(one.get(place), dict) for one in others)
    ]


def _change(place: str, pairs: Sequence[Sequence[dict]]) -> dict:
    before, now = ([pair[side][place]["median"] for pair in pairs] for side in (0, 1))
    unit = pairs[0][1][place]["unit"]
    return {
        "before": figure(before, unit),
        "now": figure(now, unit),
        "now / before": figure([b / a for a, b in zip(before, now, strict=True) if a], "times"),
    }


@contextlib.contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    """Check a revision out beside this one, with the benches of this one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "other"
        _git("worktree", "add", "--detach", str(folder), revision)
        try:
            shutil.rmtree(folder / "bench", ignore_errors=True)
            shutil.copytree(ROOT / "bench", folder / "bench")
            (folder / "build").symlink_to(ROOT / "build")
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def _revision() -> str | None:
    with contextlib.suppress(subprocess.CalledProcessError, FileNotFoundError):
        return _git("describe", "--always", "--dirty")
    return None


def _print(found: dict) -> None:
    console = Console()
    for name, document in found.items():
        table = Table(title=f"{name}: {BENCHES[name]}", title_justify="left")
        table.add_column("what")
        table.add_column("median  [tenth … ninetieth percentile]")
        for place, leaf in leaves(document):
            table.add_row(place, shown(leaf))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
