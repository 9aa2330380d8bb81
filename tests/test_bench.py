"""The command that measures."""

import json
import subprocess
import sys

from bench import BENCHES
from bench.__main__ import _fit, compared
from bench.figures import figure

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


def test_another_revisions_own_benches_are_used_where_ours_do_not_fit(tmp_path):
    """Ours fit where they find all that they import."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").touch()
    (tmp_path / "bench" / "fits.py").write_text("import json")
    (tmp_path / "bench" / "moved.py").write_text("from crypitor.nowhere import what_was_here")

    assert _fit(tmp_path, ["fits"])
    assert not _fit(tmp_path, ["fits", "moved"])
