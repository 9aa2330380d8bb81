"""The command that measures."""

import asyncio
import json
import subprocess
import sys

import pytest

from bench import BENCHES, inputs, path
from bench.__main__ import _give_bench, compared
from bench.figures import figure
from crypitor.monitor.index import Index
from tests.patience import HANG_SECONDS

CRYPITOR = [sys.executable, "-m", "crypitor"]


def run(*arguments):
    return subprocess.run([*CRYPITOR, "bench", *arguments], capture_output=True, text=True)


def test_a_bench_prints_one_document():
    """`--json` prints one document with the figures of the benches that were named."""
    done = run("lies", "--quick", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["benches"]) == {"lies"}
    assert document["benches"]["lies"]["drop_log"]["receipts"] == 100.0


def test_an_unknown_bench_is_wrong_usage():
    """A bench that is not there is answered with the names of those that are."""
    done = run("nothing")

    assert done.returncode == 2
    assert all(name in done.stderr for name in BENCHES)


def test_revisions_are_compared_pair_by_pair():
    """A figure's change is the middle of the ratios of its pairs, not the ratio of the middles."""
    pairs = [
        ({"a": figure([before], "ms")}, {"a": figure([now], "ms"), "new": figure([1], "ms")})
        for before, now in ((10, 5), (100, 50), (8, 16))
    ]

    found = compared(pairs)

    assert set(found) == {"a"}
    assert found["a"]["now / before"]["median"] == 0.5
    assert found["a"]["before"]["median"] == 10


def test_a_revision_whose_bench_fails_is_told():
    """Where a bench fails in one revision there is no table, but what failed."""
    found = compared([({"failed": "exit status 1"}, {"a": figure([1], "ms")})])

    assert found == {"failed": "before: exit status 1"}


@pytest.mark.parametrize("names_are_todays", [True, False])
def test_a_revision_with_other_names_is_measured_by_its_own_bench(tmp_path, names_are_todays):
    """Today's benches measure what they can import; what had other names has benches for them."""
    bench = tmp_path / "bench"
    bench.mkdir()
    for name in ("__init__", "lies"):
        (bench / f"{name}.py").write_text("OLD = True\n")
    if not names_are_todays:
        (tmp_path / "crypitor").mkdir()
        (tmp_path / "crypitor/__init__.py").touch()
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "old"]):
        name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *name, *words], check=True)

    _give_bench("lies", tmp_path, "HEAD")

    assert ("OLD" in (bench / "lies.py").read_text()) is not names_are_todays


async def test_the_way_of_a_block_is_measured_without_a_network(tmp_path):
    """The benches' node stands where the product has its transport: every block is matched."""
    blocks = inputs.repeated([], 0)
    index = Index()
    index.put(path.MONITOR)
    url = await path.prepared(tmp_path)
    async with asyncio.timeout(HANG_SECONDS):
        run = await path.catch_up(url, blocks, index)

    assert run.blocks == len(blocks) == 1
