"""What the compiled Python is made fast for: `python exercise.py PACKAGES`, run by its build.

First what its authors take, a part of their tests; then what a block takes here, from a node's
bytes to the stored matches. With the tests alone some parts stay slow that a block is full of.
PACKAGES: the folder with what requirements/run.txt locks.
"""

import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    found = [str(Path(__file__).resolve().parents[2]), sys.argv[1]]
    sys.argv = ["test", "--pgo", "--timeout=1200"]
    with suppress(SystemExit):
        runpy.run_module("test", run_name="__main__", alter_sys=True)
    sys.path[:0] = found
    os.environ["PYTHONPATH"] = os.pathsep.join(found)  # receivers are processes of their own
    from bench import endtoend, stages

    stages.bench(quick=True)
    endtoend.bench(quick=True)
