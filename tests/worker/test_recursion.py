import subprocess
import sys

PROGRAM = """
import crypitor.worker.transport, msgspec
try:
    msgspec.json.decode(b"[" * 1_000_000)
except RecursionError:
    print("refused")
"""


def test_deep_json_is_refused():
    """
    Nothing that is imported lets Python recurse until the C stack overflows.
    """
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert ended.stdout == "refused\n", ended.returncode
