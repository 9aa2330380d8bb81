"""Makes one executable file out of a folder: `python onefile.py FOLDER FILE WORK`.

The launcher (Go, static) carries the folder, compressed. The same folder gives the same file, byte
by byte: sorted, without times and owners. WORK is a directory for what lies in between.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

LAUNCHER = Path(__file__).parent / "launcher"
GLIBC = re.compile(rb"GLIBC_2\.(\d+)\x00")
ELF = b"\x7fELF"


def lines(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield of each file its kind, its digest or target, and its path; see launcher/manifest.go."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield "link", str(path.readlink()), name
        elif path.is_file():
            kind = "run" if path.stat().st_mode & 0o100 else "file"
            yield kind, hashlib.sha256(path.read_bytes()).hexdigest(), name


def glibc(folder: Path) -> str:
    """Return the newest release of glibc that something in the folder asks for."""
    minors = [
        int(minor)
        for path in folder.rglob("*")
        if path.is_file() and path.open("rb").read(4) == ELF
        for minor in GLIBC.findall(path.read_bytes())
    ]
    return f"2.{max(minors, default=0)}"


def pack(folder: Path, manifest: list[tuple[str, str, str]], archive: Path) -> None:
    """Write the files of the manifest, in its order."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as entries,
    ):
        for kind, what, name in manifest:
            entry = tarfile.TarInfo(name)
            if kind == "link":
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                entries.addfile(entry)
                continue
            entry.size = (folder / name).stat().st_size
            with (folder / name).open("rb") as content:
                entries.addfile(entry, content)


def main(folder: Path, file: Path, work: Path) -> None:
    """Put everything beside a copy of the launcher's source, and compile that."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(LAUNCHER, work)
    carried = work / "carried"
    carried.mkdir()
    manifest = list(lines(folder))
    text = "".join("\t".join(line) + "\n" for line in manifest)
    (carried / "manifest").write_text(text, encoding="utf-8")
    (carried / "name").write_text(hashlib.sha256(text.encode()).hexdigest()[:32])
    (carried / "glibc").write_text(glibc(folder))
    pack(folder, manifest, carried / "folder.tar.gz")
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="]
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [*command, "-o", file.absolute(), "."],
        cwd=work,
        env={**environ, "GOWORK": "off"},
        check=True,
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
