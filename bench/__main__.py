"""Runs benches and prints a table, or one JSON document; compares two revisions in turn."""

import argparse
import contextlib
import json
import os
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
from bench.figures import Figure, figure, leaves, shown
from bench.measuring import machine, peak_mb

ROOT = Path(__file__).parents[1]
ROUNDS = 5
CHANGE = "now / before"

WHOLE = {"api", "service"}
"""Benches that only start the product of a revision: they and their inputs are of this one."""


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    asked = _asked()
    if asked.only:
        found = import_module(f"bench.{asked.only}").bench(quick=asked.quick)
        print(json.dumps(found | {"peak memory": figure([peak_mb()], "MB")}))
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
    # Another revision's folder stands elsewhere, and must have the same inputs.
    recorded = os.environ.get("CRYPITOR_SHARED", str(ROOT.parent / "shared"))
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", name, *options],
        cwd=ROOT if name in WHOLE else folder, stdout=subprocess.PIPE,
        env={**os.environ, "CRYPITOR_SHARED": recorded, "CRYPITOR_BENCH_PRODUCT": str(folder)},
        check=False,
    )  # fmt: skip
    if done.returncode:
        return {"failed": f"exit status {done.returncode}"}
    print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def _compared(names: Sequence[str], asked: argparse.Namespace) -> dict:
    """Measure two revisions in turn, with the benches as they are here."""
    found = {}
    with _worktree(asked.against) as other:
        for name in names:
            _give_bench(name, other, asked.against)
            found[name] = compared(
                [
                    (_one(name, other, quick=asked.quick), _one(name, ROOT, quick=asked.quick))
                    for _ in range(asked.rounds)
                ]
            )
    return found


def compared(pairs: Sequence[tuple[dict, dict]]) -> dict:
    """Return what became of each figure of pairs of documents, the earlier revision's first.

    What changed by more than noise shows in the ratio, which is taken pair by pair. A figure that
    is not in all of them is left out.
    """
    for before, now in pairs:
        for revision, document in (("before", before), ("now", now)):
            if "failed" in document:
                return {"failed": f"{revision}: {document['failed']}"}
    told = [tuple(dict(leaves(document)) for document in pair) for pair in pairs]
    places = [
        place
        for place in told[0][1]
        if all(isinstance(one.get(place), dict) for pair in told for one in pair)
    ]
    return {place: _change([(a[place], b[place]) for a, b in told]) for place in places}


def _change(figures: Sequence[tuple[Figure, Figure]]) -> dict:
    before, now = ([one["median"] for one in side] for side in zip(*figures, strict=True))
    unit = figures[0][1]["unit"]
    return {
        "before": figure(before, unit),
        "now": figure(now, unit),
        CHANGE: figure([b / a for a, b in zip(before, now, strict=True) if a] or [1.0], "times"),
    }


@contextlib.contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    """Check a revision out beside this one, without benches, and with the inputs of this one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "other"
        _git("worktree", "add", "--detach", str(folder), revision)
        try:
            (ROOT / "build").mkdir(exist_ok=True)
            (folder / "build").symlink_to(ROOT / "build")
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _give_bench(name: str, folder: Path, revision: str) -> None:
    """Put this revision's benches into a checkout of another; its own where these do not fit.

    They do not where modules had other names then.
    """
    benches = folder / "bench"
    shutil.rmtree(benches, ignore_errors=True)
    shutil.copytree(ROOT / "bench", benches)
    if name in WHOLE or _imports(name, folder):
        return
    shutil.rmtree(benches)
    with contextlib.suppress(subprocess.CalledProcessError):  # it had none: the bench says so
        _git("-C", str(folder), "checkout", "--quiet", "--", "bench")
        print(f"{name} of {revision} is as it was there", file=sys.stderr, flush=True)


def _imports(name: str, folder: Path) -> bool:
    """Whether a bench finds the modules that it measures."""
    done = subprocess.run(
        [sys.executable, "-c", f"import bench.{name}"],
        cwd=folder, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode == 0


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
        several = [CHANGE in part for part in document.values() if isinstance(part, dict)]
        columns = ("before", "now", CHANGE) if any(several) else ()
        for title in ("what", *(columns or ("median  [tenth … ninetieth percentile]",))):
            table.add_column(title)
        for place, row in document.items() if columns else leaves(document):
            table.add_row(place, *([shown(row[one]) for one in columns] or [shown(row)]))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
