"""Compiles the Python that the binary ships: `python3 interpreter.py FOLDER [SOURCES]`.

CPython as Debian 13 keeps it, with its fixes of holes, and with the optimisations that no package
registry has: guided by a profile (PGO) and over all files at once (LTO). FOLDER can be moved.
SOURCES: a folder with the two archives; without it they come from the mirror that apt uses here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

VERSION = "3.13.5"
RELEASE, FIXES = "python3.13_3.13.5.orig.tar.xz", "python3.13_3.13.5-2+deb13u5.debian.tar.xz"
SHA256 = {
    RELEASE: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
    FIXES: "a51f456e654ce2c9b40cc1db8005e5041cdb0b2c3aa96ab0871c49fe95280366",
}
"""Of the archives. With each hole that Debian mends FIXES gets another name; the old one goes."""

FIXING = ("CVE-", "ssl-", "dict-use-after-free", "traverse-managed-dicts")
"""How those of Debian's patches begin that mend faults; others move files to Debian's places."""

HERE = Path(__file__).resolve().parent
POOL = "pool/main/p/python3.13"
HELPER = Path("/usr/lib/apt/apt-helper")
NEEDED = {
    "openssl/ssl.h": "libssl-dev",
    "sqlite3.h": "libsqlite3-dev",
    "zlib.h": "zlib1g-dev",
    "ffi.h": "libffi-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
}
"""Header → Debian's package, of what the program uses."""

OPTIONS = [
    "--enable-optimizations",
    "--with-lto",
    "--enable-shared",  # as PyInstaller's programs load it
    "--disable-test-modules",
    "--without-static-libpython",
    "--with-ensurepip=no",  # what makes environments brings a pip of its own
]
FOUND_BESIDE = "-Wl,-rpath,'$$ORIGIN/../lib'"
"""Where the command looks for its library."""


class Trouble(Exception):
    """What keeps it from being made, and what to do."""


def said_by(*command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command, and return what it said and how it ended."""
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def mirrors(told: str) -> list[str]:
    """Return the addresses of Debian's archive, of lines `ORIGIN|ADDRESS` as apt tells them."""
    lines = [line.split("|", 1) for line in told.splitlines() if "|" in line]
    return [*dict.fromkeys(address for origin, address in lines if origin == "Debian")]


def fetch(name: str, folder: Path, from_mirrors: Iterable[str]) -> None:
    """Fetch an archive from the first mirror that has it."""
    said = ["apt knows of no archive of Debian's"]
    for mirror in from_mirrors:
        digest = f"SHA256:{SHA256[name]}"
        done = said_by(HELPER, "download-file", f"{mirror}{POOL}/{name}", folder / name, digest)
        if done.returncode == 0:
            return
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    raise Trouble(
        f"{name} could not be had ({' '.join(said)}). If Debian has a newer one, put that with its"
        f" digest into {Path(__file__).name}; or give a folder that has it: "
        "make interpreter SOURCES=FOLDER"
    )


def known_mirrors() -> list[str]:
    """Return where apt gets Debian's packages from on this machine."""
    if not HELPER.exists():
        raise Trouble(
            "without Debian's apt there is no mirror to fetch Python from: give a folder with"
            f" {RELEASE} and {FIXES}: make interpreter SOURCES=FOLDER"
        )
    form = "$(ORIGIN)|$(REPO_URI)"
    return mirrors(
        said_by("apt-get", "indextargets", "--format", form, "Created-By: Packages").stdout
    )


def require_digest(file: Path) -> None:
    """Raise Trouble unless it is the archive that was looked at."""
    if not file.is_file():
        raise Trouble(f"{file.parent} has no {file.name}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256[file.name]:
        raise Trouble(f"{file} is another one: its SHA-256 is {found}, not {SHA256[file.name]}")


def fixes(series: Iterable[str]) -> list[str]:
    """Return the patches that mend faults, in the order of Debian's list."""
    return [name for name in map(str.strip, series) if name.startswith(FIXING)]


def unpack(archives: Path, work: Path) -> Path:
    """Unpack the release, mend it, and return where it is."""
    for name in SHA256:
        require_digest(archives / name)
        shutil.unpack_archive(archives / name, work)
    source, patches = work / f"Python-{VERSION}", work / "debian/patches"
    for name in fixes((patches / "series").read_text().splitlines()):
        command = ["patch", "-p1", "-s", "-f", "-i", patches / name]
        subprocess.run(command, cwd=source, check=True)
    return source


def require_headers(command: str) -> None:
    """Raise Trouble where what the program needs would be left out of it in silence."""
    compiler = shutil.which(command)
    lacks = [name for name in (command, "make", "patch") if shutil.which(name) is None]
    if lacks or compiler is None:
        raise Trouble(
            f"not on this machine: {' '.join(lacks)} (Debian has packages of these names)"
        )
    lacks = [
        package
        for header, package in NEEDED.items()
        if said_by(compiler, "-E", "-", given=f"#include <{header}>\n").returncode
    ]
    if lacks:
        raise Trouble(f"headers are missing (Debian: {' '.join(lacks)})")


def install_packages(folder: Path) -> None:
    """Install what the program runs on for the Python that is made, to exercise it."""
    form = ["--only-binary", ":all:", "--python-version", VERSION.rpartition(".")[0]]
    locked = ["--require-hashes", "--no-deps", "-r", HERE.parents[1] / "requirements/run.txt"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, "--target", folder, *form, *locked], check=True)


def compile_in(source: Path, folder: Path, packages: Path) -> None:
    """Configure, compile and install; what is said goes to who runs this."""
    environ = {
        **os.environ,
        "LDFLAGS": f"{os.environ.get('LDFLAGS', '')} {FOUND_BESIDE}",
        "PROFILE_TASK": f"{HERE / 'exercise.py'} {packages}",
    }
    for command in (
        ["./configure", "-q", f"--prefix={folder}", *OPTIONS],
        ["make", "-s", f"-j{os.cpu_count() or 1}"],
        ["make", "-s", "install"],
    ):
        subprocess.run(command, cwd=source, env=environ, check=True)


def require_modules(python: Path) -> None:
    """Raise Trouble unless what was made has all that the program imports."""
    modules = "bz2, ctypes, lzma, sqlite3, ssl, uuid, zlib, zoneinfo"
    done = said_by(python, "-c", f"import {modules}")
    if done.returncode:
        raise Trouble(f"{python} lacks a module: {done.stderr.strip().splitlines()[-1]}")


def main(folder: Path, archives: Path | None = None) -> None:
    """Make the folder anew; it stands there when all went well."""
    for name in SHA256 if archives else ():
        require_digest(archives / name)
    require_headers(os.environ.get("CC", "gcc"))
    work = folder.with_name(f"{folder.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in () if archives else SHA256:
        fetch(name, work, known_mirrors())
    source = unpack(archives or work, work)
    shutil.rmtree(folder, ignore_errors=True)
    install_packages(work / "packages")
    compile_in(source, folder, work / "packages")
    require_modules(folder / "bin/python3")
    shutil.rmtree(work)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute(), *(Path(one).absolute() for one in sys.argv[2:] if one))
    except (Trouble, subprocess.CalledProcessError) as trouble:
        sys.exit(str(trouble))
