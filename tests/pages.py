"""Parts of the documentation that are made from the program: `python -m tests.pages` writes them.

Bodies of webhooks come from recorded blocks; commands, operations and metrics from what declares them.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer
from prometheus_client import CollectorRegistry

from crypitor.api.build import described
from crypitor.api.monitors.asked import monitor_of
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.serving.examples import MONITOR_ID
from crypitor.cli import cli
from crypitor.evm.coins import BOR_COIN, coin_transfers
from crypitor.evm.types import Block, Withdrawal
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Phase
from crypitor.runtime.metrics import Metrics
from crypitor.webhook.body import body, document
from crypitor.webhook.destinations import PEOPLE
from crypitor.webhook.formats import Form
from tests import recorded
from tests.webhook.matched import body_of

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = Path(__file__).parent / "data" / "blocks"
CHAIN_IDS = {"ethereum": 1, "polygon": 137}
CONFIRMATIONS = 12
SOON_MS = 2_400
"""After the block's timestamp: when the first webhook was made."""

MONITOR = re.compile(r"<!-- monitor: (\w+), (\w+) (\d+) -->\n```json\n(.*?)```\n", re.DOTALL)
BODY = re.compile(r"<!-- body: (\w+) -->\n(?:```json\n.*?```\n)?", re.DOTALL)
MADE = re.compile(r"<!-- made: (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)


def block_of(network: str, number: int) -> Block:
    """Return a recorded block, with what no transaction carries."""
    path = BLOCKS / str(CHAIN_IDS[network]) / f"{number}.json.gz"
    recording = json.loads(gzip.decompress(path.read_bytes()))
    block = recorded.as_block(recording)
    if network == "polygon":
        block = msgspec.structs.replace(block, traces=coin_transfers(block, BOR_COIN))
    listed = recording["block"].get("withdrawals", ())
    return msgspec.structs.replace(
        block, withdrawals=msgspec.convert(listed, tuple[Withdrawal, ...])
    )


def first_webhook(network: str, number: int, monitor: str) -> str:
    """Return the body of the first match that a monitor, as it is sent, has in a recorded block."""
    asked = MonitorBody.model_validate_json(monitor)
    index = Index()
    index.put(monitor_of(asked, MONITOR_ID, "pr_1", 0, 0, None))
    assert not isinstance(asked.addresses, str)
    index.add_addresses(MONITOR_ID, asked.addresses)
    block, chain_id = block_of(network, number), CHAIN_IDS[network]
    match = next(iter(find_matches(block, network, chain_id, index)))
    now = block.header.timestamp * 1000 + SOON_MS
    told = body(
        Phase.DETECTED, document(match, chain_id), confirmations=1,
        confirmations_required=CONFIRMATIONS, now=now,
    )  # fmt: skip
    return json.dumps(json.loads(told), indent=2, ensure_ascii=False)


def with_bodies(page: str) -> str:
    """Return a page with the webhook of each of its monitors."""
    monitors = {
        kind: (network, int(number), text) for kind, network, number, text in MONITOR.findall(page)
    }

    def fill(found: re.Match[str]) -> str:
        return f"<!-- body: {found[1]} -->\n```json\n{first_webhook(*monitors[found[1]])}\n```\n"

    return BODY.sub(fill, page)


def commands() -> Iterator[str]:
    """Yield each command with its words and options."""

    def walk(command: Any, name: str) -> Iterator[str]:
        if hasattr(command, "commands"):
            for each, inner in command.commands.items():
                yield from walk(inner, f"{name} {each}")
            return
        context = command.context_class(command, info_name=name)
        yield f"## {name}\n\n{(command.help or '').strip()}\n\n```text\n"
        yield f"{' '.join([name, *command.collect_usage_pieces(context)])}\n```\n\n"
        rows = [row for each in command.params if (row := each.get_help_record(context))]
        if rows:
            yield "| option | what it is |\n| --- | --- |\n"
        for names, told in rows:
            plain = ", ".join(map(str.strip, names.split("|")))
            yield f"| `{plain}` | {_cell(told)} |\n"
        yield "\n"

    yield from walk(typer.main.get_command(cli), "crypitor")


def operations() -> Iterator[str]:
    """Yield each operation of the API with its parameters, fields and examples."""
    whole = described()
    schemas = whole["components"]["schemas"]
    yield whole["info"]["description"] + "\n\n"
    for tag in whole["tags"]:
        yield f"## {tag['name']}\n\n"
        for path, methods in whole["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(f"{method.upper()} {path}", operation, schemas)


def _operation(title: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    scope = operation.get("x-scope")
    yield f"### `{title}`\n\n{operation['summary']}. "
    yield f"Scope: `{scope}`.\n\n" if scope else "No key is needed.\n\n"
    if told := operation.get("description"):
        yield f"{told}\n\n"
    rows = [
        (one["name"], _type(one["schema"]), one.get("description", ""))
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]
    yield from _table("parameter", rows)
    content = operation.get("requestBody", {}).get("content", {})
    for media, given in list(content.items())[:1]:
        name = given["schema"].get("$ref", "").rpartition("/")[2]
        fields = schemas.get(name, {}).get("properties", {})
        rows = [(key, _type(one), one.get("description", "")) for key, one in fields.items()]
        yield from _table("field of the body", rows)
        if "example" in given:
            yield f"```json\n{_json(given['example'])}\n```\n\n" if "json" in media else ""
    for status, answer in operation["responses"].items():
        for media, given in answer.get("content", {}).items():
            if status.startswith("2") and media == "application/json" and "example" in given:
                yield f"{status}:\n\n```json\n{_json(given['example'])}\n```\n\n"


def _table(title: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if rows:
        yield f"| {title} | type | what it is |\n| --- | --- | --- |\n"
        for name, kind, told in rows:
            yield f"| `{name}` | {_cell(kind)} | {_cell(told)} |\n"
        yield "\n"


def _type(schema: dict[str, Any]) -> str:
    """Return a schema's type in a word or two."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema or "oneOf" in schema:
        parts = schema.get("anyOf") or schema.get("oneOf")
        return " or ".join(dict.fromkeys(_type(one) for one in parts))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def bodies() -> Iterator[str]:
    """Yield a body of each type of webhook, whole, and when it is sent."""
    for name, webhook in described()["webhooks"].items():
        told = webhook["post"]
        body = told["requestBody"]["content"]["application/json"]["example"]
        ordered = {key: body[key] for key in ("type", *sorted(body, reverse=True)) if key in body}
        when = told.get("description") or told["summary"]
        yield f"### `{name}`\n\n{when.rstrip('.')}.\n\n```json\n{_json(ordered)}\n```\n\n"


def messages() -> Iterator[str]:
    """Yield what each service is sent of one match, as it is stored."""
    for form in sorted(PEOPLE):
        told = json.loads(body_of(Form(form)))
        yield f"#### `{form}`\n\n```text\n{_json(told)}\n```\n\n"


def metrics() -> Iterator[str]:
    """Yield each metric with its labels and what it says."""
    yield "| metric | type | labels | what it is |\n| --- | --- | --- | --- |\n"
    for family in ours():
        yield f"| `{family.name}` | {family.type} | {family.labels} | {_cell(family.told)} |\n"


class Family(msgspec.Struct):
    """A metric: its name as it is scraped, its type, its labels."""

    name: str
    type: str
    labels: str
    told: str


def ours() -> list[Family]:
    """Return what the program measures, without what the process says of itself."""
    families = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, CollectorRegistry):
            continue
        kind, name = metric._type, metric._name
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        families.append(
            Family(
                f"{name}_total" if kind == "counter" else name, kind, labels, metric._documentation
            )
        )
    return sorted(families, key=lambda family: family.name)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|").replace("<", "&lt;")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "operations": operations,
    "metrics": metrics,
    "bodies": bodies,
    "messages": messages,
}


def renewed(page: str) -> str:
    """Return a page with all that is made in it."""
    filled = with_bodies(page)
    return MADE.sub(
        lambda found: (
            f"<!-- made: {found[1]} -->\n\n{''.join(PARTS[found[1]]()).rstrip()}\n\n<!-- end -->\n"
        ),
        filled,
    )


def main() -> None:
    """Write all of it."""
    for path in sorted(DOCS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
