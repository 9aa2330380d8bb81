"""The command that measures."""

import json
import subprocess
import sys

from bench import BENCHES

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
