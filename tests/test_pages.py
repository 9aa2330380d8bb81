"""The documentation does what it says: examples are sent, loaded or run, and what is made is as made."""

import asyncio
import json
import os
import re
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest
import typer

from crypitor.api.build import described
from crypitor.api.endpoints.body import EndpointBody
from crypitor.api.serving.reading import validated
from crypitor.cli import cli
from crypitor.config import load
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.webhook.template import Template, check_template
from tests.api.conftest import NETWORKS, api, context, poster, woken
from tests.pages import DOCS, MONITOR, ours, renewed
from tests.rig import ADMIN_KEY, Service

__all__ = ["api", "context", "poster", "woken"]

ROOT = DOCS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("moving/*.md"))]
FENCE = re.compile(r"(?:<!-- ([^\n]+) -->\n)?( *)```(\w+)[^\n]*\n(.*?)\n *```", re.DOTALL)
SHOWN = ("text", "mermaid")
MARKERS = (
    "monitor: ",
    "body: ",
    "send: ",
    "recipe: ",
    "shell",
    "elsewhere: ",
    "webhook",
    "fields: ",
    "template",
)


@dataclass(frozen=True)
class Example:
    """A block of a page. marker: how it is tried."""

    page: str
    marker: str
    language: str
    text: str


def examples_of(page: Path) -> list[Example]:
    """Every block of a page, but for what is made (tests/pages.py) and what is only shown."""
    text = re.sub(r"<!-- made: .*?<!-- end -->", "", page.read_text(), flags=re.DOTALL)
    name = str(page.relative_to(ROOT))
    return [
        Example(name, marker, language, body)
        for marker, _, language, body in FENCE.findall(text)
        if language not in SHOWN
    ]


EXAMPLES = [example for page in PAGES for example in examples_of(page)]


def marked(start: str) -> list:
    found = [one for one in EXAMPLES if one.marker.startswith(start)]
    assert found, start
    return [pytest.param(one, id=f"{one.page}-{number}") for number, one in enumerate(found)]


@pytest.mark.parametrize("page", [*DOCS.glob("*.md")], ids=lambda page: page.name)
def test_what_is_made_is_as_made(page):
    """Bodies, commands, operations and metrics; `python -m tests.pages` writes them."""
    assert renewed(page.read_text()) == page.read_text()


def test_every_example_says_how_it_is_tried():
    """TOML is loaded; all else has a word before it."""
    silent = [
        one for one in EXAMPLES
        if one.language != "toml" and not one.marker.startswith(MARKERS)
    ]  # fmt: skip

    assert silent == []


@pytest.mark.parametrize(
    "example",
    [pytest.param(one, id=one.page) for one in EXAMPLES if one.language == "toml"],
)
def test_toml_is_a_configuration(example, tmp_path):
    """It is loaded, with what a queue's password has in the environment."""
    path = tmp_path / "config.toml"
    path.write_text(example.text)

    load(path, {"CRYPITOR__QUEUE__PASSWORD": "sesame"})


@pytest.mark.parametrize("example", marked("shell") + marked("recipe: "))
def test_commands_and_options_are_there(example):
    """Each line of `crypitor` is read by the program itself."""
    command = typer.main.get_command(cli)
    for line in example.text.replace("\\\n", " ").splitlines():
        if line.startswith("crypitor "):
            chosen, rest = command, shlex.split(re.sub(r"\bN$", "5", line), comments=True)[1:]
            while hasattr(chosen, "commands"):
                chosen, rest = chosen.commands[rest[0]], rest[1:]
            chosen.make_context("crypitor", rest, resilient_parsing=False)


@pytest.fixture
async def everywhere(context):
    """The API's context, with the networks that pages name."""
    polygon = replace(NETWORKS["dev"], name="polygon", chain_id=137, traces=True)
    return replace(context, networks={**NETWORKS, "polygon": polygon})


@pytest.mark.parametrize("example", marked("send: ") + marked("monitor: "))
async def test_json_is_taken(example, everywhere, request):
    """As it stands there, by the operation that the page names."""
    from aiohttp.test_utils import TestClient, TestServer

    from crypitor.api import SERVER_OPTIONS, build
    from crypitor.database.keys import ensure_admin

    admin = await everywhere.database.write(
        lambda tx: ensure_admin(tx, None, everywhere.clock(), os.urandom)
    )
    path = (
        example.marker.removeprefix("send: POST ") if "send" in example.marker else "/v1/monitors"
    )
    server = TestServer(build(everywhere))
    await server.start_server(**SERVER_OPTIONS)
    async with TestClient(server) as client:
        answer = await client.post(
            path, data=example.text,
            headers={"Authorization": f"Bearer {admin}", "Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status == 201, await answer.text()


@pytest.mark.parametrize("example", marked("webhook"))
def test_bodies_of_webhooks_are_as_described(example):
    """With ids that are cut."""
    told = json.loads(example.text.replace("_…", "_" + "0" * 26))
    components = described()["components"]
    schema = {"$ref": "#/components/schemas/WebhookBody", "components": components}

    jsonschema.Draft202012Validator(schema).validate(told)


@pytest.mark.parametrize("example", marked("fields: endpoints"))
def test_fields_are_taken(example):
    """Each line beside a URL."""
    for line in example.text.splitlines():
        validated(EndpointBody, {"url": "https://example.com", **json.loads(line)})


@pytest.mark.parametrize("example", marked("template"))
def test_templates_are_taken(example):
    """It would be saved."""
    check_template(Template(example.text, "application/json"))


def test_every_kind_has_an_example_and_its_webhook():
    """Whole."""
    from crypitor.monitor.models import Kind

    page, state = (DOCS / "rules.md").read_text(), (DOCS / "monitors.md").read_text()
    of_blocks = {*Kind} - {Kind.BALANCE, Kind.VIEW}
    titles = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    parts = dict(zip(titles, re.split(r"^## \w+$", page, flags=re.MULTILINE)[1:], strict=True))

    assert {kind for kind, *_ in MONITOR.findall(page)} >= of_blocks
    assert {*re.findall(r'^    "kind": "(\w+)"', page, re.MULTILINE)} >= of_blocks
    assert '\n    "kind": "balance"' in state
    assert '{"kind": "view"' in state
    assert sorted(titles) == sorted(Kind)
    for kind, part in parts.items():
        assert f'{{"kind": "{kind}"' in part
        assert f'\n    "kind": "{kind}",' in part
    assert '"type": "match.ended"' in parts["balance"]


def test_each_type_of_webhook_has_its_whole_body():
    """On the page of webhooks, and no other type has one."""
    page = (DOCS / "webhooks.md").read_text()
    bodies = re.findall(r"^### `(\S+)`\n.*?```json\n(.*?)```", page, re.MULTILINE | re.DOTALL)

    assert [name for name, _ in bodies] == [*described()["webhooks"]]
    assert [json.loads(body)["type"] for _, body in bodies] == [name for name, _ in bodies]


def test_every_metric_is_described_once():
    """In the table that is made; no page names one that there is not."""
    names = [family.name for family in ours()]
    rows = re.findall(r"^\| `(crypitor_\w+)`", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    named = {
        name for page in PAGES for name in re.findall(r"`(crypitor_[a-z_]+)", page.read_text())
    }

    assert sorted(rows) == sorted(names)
    assert {name for name in named if name not in names} <= {"crypitor_…"}


def test_every_key_of_the_configuration_is_described_once():
    """In config.toml, which the page on configuration shows: each key once in its table."""
    table, keys = "", []
    for line in (ROOT / "config.toml").read_text().splitlines():
        if heading := re.match(r"\[(\w+)", line):
            table = heading[1]
        elif key := re.match(r"(?:# )?([a-z_0-9]+) = ", line):
            keys.append(f"{table}.{key[1]}")

    assert len(keys) == len({*keys})
    assert len(keys) > 80
    assert "<!-- file: config.toml toml -->" in (DOCS / "configuration.md").read_text()


def test_every_page_is_in_the_navigation():
    """And a page that is not there is not."""
    listed = re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    pages = [str(path.relative_to(DOCS)) for path in PAGES if path.is_relative_to(DOCS)]

    assert sorted(listed) == sorted([*pages, "decisions/README.md"])


def test_links_to_headings_lead_to_one():
    """As GitHub and the site name them."""
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]*#[^)\s]+)\)", page.read_text()):
            file, _, heading = link.partition("#")
            if not re.match(r"[a-z]+:", link):
                target = (page.parent / file).resolve() if file else page
                if heading not in headings_of(target):
                    broken.append((page.name, link))

    assert broken == []


def headings_of(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


NUMBERS = {"20000000": "1", "20999999": "5", "21000000": "1", "21000999": "5"}
"""Heights of Ethereum, and of a chain of a dozen blocks."""


async def test_shells_are_run(tmp_path):
    """Page by page, against a running service: what they ask for is answered."""
    chain = SimulatedChain(5, chain_id=1)
    async with SimulatorServer(chain) as node:
        chain.mine(12)
        service = Service(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__ETHEREUM__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__ETHEREUM__START": "1",
                "CRYPITOR__WEBHOOK__KAFKA_TOPICS": '["matches"]',
            },
        )
        await service.start()
        try:
            await service.until_tip("ethereum", 12)
            environ = await prepared(service, chain, tmp_path)
            failed = [
                (one.page, one.text, said)
                for one in EXAMPLES
                if one.marker in ("shell", "shell: goes on", "shell: import")
                and (said := await run(one, environ, service, chain, tmp_path))
            ]
        finally:
            await service.stop()

    assert failed == []


async def prepared(service, chain, folder):
    """What pages name by `$…`, and the command on the path."""
    monitor = await service.post(
        "/v1/monitors",
        {
            "networks": ["ethereum"], "addresses": [chain.actors[0].address], "name": "Treasury",
            "webhook": {"url": "https://example.com/hook"},
        },
    )  # fmt: skip
    job = await service.post(
        f"/v1/monitors/{monitor['id']}/backfill",
        {"network": "ethereum", "from_block": 1, "to_block": 3},
    )
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "crypitor"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crypitor "$@"\n')
    program.chmod(0o755)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/admin.key").write_text(ADMIN_KEY)
    (folder / "config").mkdir()
    from tests.cli.imported.test_openzeppelin import NETWORK
    from tests.cli.imported.test_openzeppelin import monitor as theirs

    (folder / "config/network.json").write_text(json.dumps(NETWORK))
    (folder / "config/monitor.json").write_text(json.dumps(theirs(triggers=[])))
    return {
        **service.environ, "PATH": f"{programs}:{os.environ['PATH']}", "KEY": ADMIN_KEY,
        "MONITOR": monitor["id"], "ENDPOINT": monitor["endpoints"][0], "JOB": job["id"], "PYTHONPATH": str(ROOT),
        "CRYPITOR_URL": service.url, "CRYPITOR_KEY": ADMIN_KEY,
    }  # fmt: skip


CURL = 'curl() { command curl --fail-with-body --silent --show-error --max-time "${LONGEST:-30}" "$@"; }\n'


async def run(example, environ, service, chain, folder):
    """Run a block as it stands, but for port and heights; return what was wrong, or nothing."""
    script = re.sub(r"(localhost|127\.0\.0\.1):8080", f"127.0.0.1:{service.port}", example.text)
    script = re.sub(r"\d{8}", lambda found: NUMBERS.get(found[0], found[0]), script)
    script = re.sub(r"0x[0-9a-f]{64}", chain.by_number(3).truth[0].transaction_hash, script)
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", CURL + script, cwd=folder,
        env={**environ, "LONGEST": "1" if example.marker == "shell: goes on" else "30"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    timed_out = 28
    right = {0, timed_out} if example.marker == "shell: goes on" else {0}
    return "" if process.returncode in right else f"{process.returncode}: {said.decode()[-600:]}"
