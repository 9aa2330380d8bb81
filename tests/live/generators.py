"""The generators of clients, each with what its users write: from the document to a program."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.patience import HANG_SECONDS

HERE = Path(__file__).parent / "clients"
BUILT = Path(__file__).resolve().parents[2] / "build" / "clients"
PYTHON = BUILT / "python" / "bin"
NODE = BUILT / "typescript" / "node_modules"

Words = Sequence[str | Path]


@dataclass(frozen=True)
class Generator:
    """A generator, and a program of ours with its client.

    sources: the folder that has the program. prepare: brings into the folder what cannot be
    generated. steps: to generate, and to compile or check the types. run: the program.
    """

    name: str
    sources: str
    steps: Sequence[Words]
    run: Words
    prepare: Callable[[Path], None] = lambda _folder: None


def _java(language: str) -> Words:
    return (
        "java", "-jar", *BUILT.glob("openapi-generator-cli-*.jar"), "generate", "-g", language,
        "-i", "openapi-3.0.json", "-o", "made",
        "--additional-properties=packageName=crypitorapi,useOneOfDiscriminatorLookup=true",
        "--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false",
    )  # fmt: skip


def _link_modules(folder: Path) -> None:
    (folder / "node_modules").symlink_to(NODE)


def _without_oapi(folder: Path) -> None:
    shutil.rmtree(folder / "oapi")


def _without_generator(folder: Path) -> None:
    shutil.rmtree(folder / "generator")


MYPY = (PYTHON / "mypy", "--strict", "--follow-imports=silent")

GENERATORS = (
    Generator(
        "openapi-typescript",
        "typescript",
        [
            (NODE / ".bin" / "openapi-typescript", "openapi.json", "-o", "schema.ts"),
            (NODE / ".bin" / "tsc", "-p", "."),
        ],
        ("node", "use.js"),
        _link_modules,
    ),
    Generator(
        "openapi-python-client",
        "python",
        [
            (PYTHON / "openapi-python-client", "generate", "--path", "openapi.json",
             "--output-path", "client", "--meta", "none"),
            (*MYPY, "use_openapi_python_client.py"),
        ],
        (PYTHON / "python", "use_openapi_python_client.py"),
    ),
    Generator(
        "openapi-generator python",
        "python",
        [
            _java("python"),
            ("mv", "made/crypitorapi", "crypitorapi"),
            (*MYPY, "--implicit-reexport", "use_openapi_generator.py"),
        ],
        (PYTHON / "python", "use_openapi_generator.py"),
    ),
    Generator(
        "openapi-generator go",
        "go",
        [
            _java("go"),
            ("sh", "-c", "mkdir crypitorapi && mv made/*.go crypitorapi"),
            ("go", "vet", "./generator"),
            ("go", "build", "-o", "use", "./generator"),
        ],
        ("./use",),
        _without_oapi,
    ),
    Generator(
        "oapi-codegen",
        "go",
        [
            ("mkdir", "oapi/client"),
            ("go", "tool", "oapi-codegen", "-config", "oapi.yaml", "openapi-3.0.json"),
            ("go", "vet", "./oapi"),
            ("go", "build", "-o", "use", "./oapi"),
        ],
        ("./use",),
        _without_generator,
    ),
)  # fmt: skip


async def made(generator: Generator, folder: Path, documents: dict[str, bytes]) -> Path:
    """Generate and compile in a new folder, and return it. documents: by the names of files."""
    shutil.copytree(HERE / generator.sources, folder)
    generator.prepare(folder)
    for name, text in documents.items():
        (folder / name).write_bytes(text)
    for words in generator.steps:
        await called(words, folder)
    return folder


async def called(words: Words, folder: Path, **environ: str) -> bytes:
    """Run a program to its end and return what it prints; raises AssertionError if it fails."""
    # Tests trust nobody's certificates, but these programs will not start without.
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env={**mine, "GOFLAGS": "-mod=mod", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(5 * HANG_SECONDS):
        out, err = await process.communicate()
    assert process.returncode == 0, f"{words}\n{(out + err).decode()}"
    return out


async def used(generator: Generator, folder: Path, **environ: str) -> dict:
    """Run the program with the client, and return what it says that it did."""
    return json.loads(await called(generator.run, folder, **environ))
