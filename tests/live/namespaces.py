"""Commands in namespaces of the kernel, as a user who need not be root: needs Linux and unshare."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.patience import HANG_SECONDS

UNSHARED = ["unshare", "--user", "--map-root-user", "--mount"]
# A root of its own in "$1": the libraries and tools of this machine, and nothing of its /etc.
ROOT = """set -e
root=$1; folder=$2; shift 2
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/program"
for name in lib lib64 bin sbin; do
  if [ -L /$name ]; then ln -sfn "$(readlink /$name)" "$root/$name"
  elif [ -d /$name ]; then mkdir -p "$root/$name"; mount --rbind /$name "$root/$name"; fi
done
mount --bind "$folder" "$root/program"; mount --rbind /usr "$root/usr"; mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
cd "$root"; exec /usr/sbin/chroot "$root" "$@"
"""


def inside(script: str, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell where mounts are its own; skips where the kernel gives none."""
    tried = subprocess.run([*UNSHARED, "true"], capture_output=True, text=True)
    if tried.returncode:  # not every container may
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    return subprocess.run(
        [*UNSHARED, "sh", "-c", script, "sh", *words],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True, text=True, timeout=HANG_SECONDS,
    )  # fmt: skip


def in_root(
    root: Path, folder: Path, *words: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a root with the system's libraries, and with an /etc of the test's own.

    folder: seen in it as /program.
    """
    (root / "etc").mkdir(parents=True, exist_ok=True)
    return inside(ROOT, root, folder, *words, **environ)
