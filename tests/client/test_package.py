"""The client as a package of its own: what is in it, and that a type checker knows it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from crypitor import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built package."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps"]
    subprocess.run(
        [sys.executable, *words, "--no-build-isolation", "-w", folder, ROOT / "deploy" / "client"],
        check=True,
    )
    [made] = folder.glob("*.whl")
    return made


def test_it_has_the_client_and_nothing_of_the_service(wheel):
    """And needs aiohttp alone, in the version that the service has."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        [described] = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = archive.read(described).decode()

    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "crypitor" / "client").iterdir()
        if path.is_file()
    }
    service = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert names == {*ours, "crypitor/__init__.py", "crypitor/py.typed"}
    assert f"\nVersion: {__version__}\n" in metadata
    assert [line for line in needed if "extra" not in line] == ["Requires-Dist: aiohttp<4,>=3.14"]
    assert "aiohttp>=3.14,<4" in service


def test_it_runs_where_there_is_nothing_else(wheel, tmp_path):
    """From the package alone, beside aiohttp."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import crypitor.client as client; "
        "print(client.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == str(tmp_path / "crypitor" / "client" / "__init__.py")


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (
            'made = await crypitor.create_monitor({"networks": ["a"]}); made["address_count"] + 1',
            "",
        ),
        ('await crypitor.create_monitor({"network": ["a"]})', "network"),
        ("async for match in crypitor.all_matches(phase='lost'): pass", "phase"),
        ("async for match in crypitor.all_matches(): match['amout']", "amout"),
        ("async for match in crypitor.all_matches(): match['block']['hash'] + 1", "operand"),
    ],
)
def test_a_type_checker_knows_bodies_and_answers(line, mistake, tmp_path):
    """A wrong member, value or use is found before it runs."""
    program = tmp_path / "program.py"
    program.write_text(
        "from crypitor.client import Client\n\n\n"
        f"async def main(crypitor: Client) -> None:\n    {line}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-error-summary",
         "--cache-dir", tmp_path.parent / "mypy", program],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode == 0) == (not mistake), done.stdout + done.stderr
    assert mistake in done.stdout
