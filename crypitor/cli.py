"""The commands. Only what `--help` needs is imported before a command is known."""

import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from crypitor.errors import ConfigError, CrypitorError, Invalid
from crypitor.simulator.faults import MEANING

if TYPE_CHECKING:
    from crypitor.config import Config
    from crypitor.database.engine import Transaction
    from crypitor.declared.remote import Remote
    from crypitor.evm.types import Header

T = TypeVar("T")

DONE, FAILED, WRONG_USAGE = 0, 1, 2
DEFAULT_CONFIG = Path("config.toml")
FAULT_NAMES = ", ".join(MEANING)

cli = typer.Typer(
    name="crypitor",
    help="Follow EVM chains, match what you care about, deliver it by signed webhook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
cli.add_typer(keys, name="key")
networks = typer.Typer(help="The networks that are followed.", no_args_is_help=True)
cli.add_typer(networks, name="network")

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="CRYPITOR_CONFIG",
        help="The configuration.",
        show_default="config.toml, where there is one",
    ),
]


class RoleName(StrEnum):
    """What `run --role` takes; `crypitor.config.Role`, without importing it."""

    API = "api"
    WORKER = "worker"
    MONITOR = "monitor"
    WEBHOOK = "webhook"


class ScopeName(StrEnum):
    """What `key create --scope` takes."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class QueueKind(StrEnum):
    """What `demo --queue` takes."""

    MEMORY = "memory"
    KAFKA = "kafka"


class FileFormat(StrEnum):
    """What `export --format` takes."""

    TOML = "toml"
    JSON = "json"


ServiceUrl = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="CRYPITOR_URL", help="Of the service.", show_default="by configuration"
    ),
]
ServiceKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="CRYPITOR_KEY",
        help="API key with write scope.",
        show_default="without --url: the admin key of this installation",
    ),
]


def main() -> NoReturn:
    """Run a command; the exit status is 0 done, 1 failed while running, 2 wrong usage."""
    try:
        cli()
    except ConfigError as mistakes:
        typer.echo(str(mistakes), err=True)
        sys.exit(WRONG_USAGE)
    except CrypitorError as failure:
        typer.echo(f"crypitor: {failure}", err=True)
        sys.exit(FAILED)
    sys.exit(DONE)


@cli.command()
def run(
    role: Annotated[
        list[RoleName] | None, typer.Option(help="Run only this; may be repeated.")
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Run the service, or some of its roles."""
    loaded = _load(config)
    from crypitor.config import ROLES, check_roles

    roles = [name for name in ROLES if not role or name.value in role]
    check_roles(loaded, roles)
    from crypitor.app import run as run_service

    raise typer.Exit(run_service(loaded, roles))


@cli.command()
def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after so long.", show_default="at Ctrl-C")
    ] = None,
    queue: Annotated[
        QueueKind, typer.Option(help="What carries the blocks; kafka: of the configuration.")
    ] = QueueKind.MEMORY,
    config: ConfigPath = None,
) -> None:
    """Show the whole service at work on a simulated chain; nothing else is needed."""
    loaded = _load(config)
    from crypitor.demo import run as run_demo

    raise typer.Exit(run_demo(loaded, seconds, queue.value))


@cli.command()
def check(config: ConfigPath = None) -> None:
    """Tell what works and what does not: configuration, database, queue, nodes. Changes nothing."""
    loaded = _load(config)
    from crypitor.check import findings

    healthy = True

    async def tell() -> None:
        nonlocal healthy
        async for finding in findings(loaded):
            typer.echo(str(finding))
            healthy &= finding.works

    asyncio.run(tell())
    raise typer.Exit(DONE if healthy else FAILED)


@cli.command()
def migrate(config: ConfigPath = None) -> None:
    """Bring the database to the newest schema."""
    loaded = _load(config)
    from crypitor.database.migrate import migrate as apply

    applied = asyncio.run(apply(loaded.database.url.get_secret_value()))
    typer.echo(f"applied: {', '.join(applied)}" if applied else "nothing to do")


@cli.command()
def apply(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="TOML or JSON; - reads it.")],
    prune: Annotated[bool, typer.Option("--prune", help="Delete what no file declares.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the difference.")] = False,
    url: ServiceUrl = None,
    key: ServiceKey = None,
    config: ConfigPath = None,
) -> None:
    """Make a running service have the monitors and endpoints of these files."""
    remote = _remote(_load(config), url, key)
    from crypitor.declared.apply import apply_files

    asyncio.run(apply_files(files, remote, typer.echo, prune=prune, dry_run=dry_run))


@cli.command()
def export(
    form: Annotated[FileFormat, typer.Option("--format", help="Of the text.")] = FileFormat.TOML,
    url: ServiceUrl = None,
    key: ServiceKey = None,
    config: ConfigPath = None,
) -> None:
    """Print the monitors and endpoints of a running service as a file for `apply`; no secrets."""
    remote = _remote(_load(config), url, key)
    from crypitor.declared.apply import export_text

    typer.echo(asyncio.run(export_text(remote, form.value)), nl=False)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="For people.")],
    scope: Annotated[ScopeName, typer.Option(help="How far it reaches.")] = ScopeName.WRITE,
    project: Annotated[
        str | None, typer.Option(help="Id of its project.", show_default="the first")
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Make a key, and print its secret: it is shown this once and stored nowhere."""
    from crypitor.database import keys as stored

    async def create(tx: "Transaction") -> str:
        owner = project or await stored.ensure_project(tx, _now(), secrets.token_bytes)
        if not await stored.list_projects(tx, only=owner):
            raise _failure(f"there is no project {owner}")
        wanted = stored.Scope[scope.upper()]
        _, secret = await stored.create_key(tx, owner, name, wanted, _now(), secrets.token_bytes)
        return secret

    typer.echo(_in_database(_load(config), create))


@keys.command("list")
def list_keys(config: ConfigPath = None) -> None:
    """List the keys of all projects; never their secrets."""
    from crypitor.database import keys as stored
    from crypitor.webhook.body import rfc3339

    for key in _in_database(_load(config), lambda tx: stored.list_keys(tx, None)):
        state = f"revoked {rfc3339(key.revoked_at)}" if key.revoked_at else "valid"
        made = rfc3339(key.created_at)
        typer.echo(f"{key.id}  {key.scope.word:<5}  {made}  {key.project_id}  {state}  {key.name}")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    config: ConfigPath = None,
) -> None:
    """Revoke a key; it opens nothing from now on."""
    from crypitor.database import keys as stored

    if not _in_database(_load(config), lambda tx: stored.revoke_key(tx, None, key_id, _now())):
        raise _failure(f"there is no key {key_id}")
    typer.echo(f"revoked {key_id}")


@networks.command("resume")
def resume_network(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As the configuration has it.")],
    from_block: Annotated[
        int, typer.Option(min=1, help="The first block that is read again; its parent is kept.")
    ],
    config: ConfigPath = None,
) -> None:
    """Go on after a reorg deeper than max_reorg_depth.

    Matches from this block on are reverted, and what the nodes have there now is matched.
    """
    loaded = _load(config)
    network = loaded.followed.get(name)
    if network is None:
        raise _failure(f"no network {name} with a node is configured")
    from crypitor.database.networks import resume
    from crypitor.worker import Unobserved
    from crypitor.worker.beginning import headers_below
    from crypitor.worker.nodes import Nodes

    async def ancestors() -> "Sequence[Header]":
        async with Nodes.of_urls(
            name,
            network.rpc,
            chain_id=network.chain_id,
            timeout_seconds=network.timeout_seconds,
            verify=network.verify,
            calls_per_second=network.rpc_per_second,
            observer=Unobserved(),
        ) as nodes:
            return await headers_below(from_block, network.max_reorg_depth, nodes)

    before = asyncio.run(ancestors())
    if not before:
        raise _failure(f"no node has block {from_block - 1}")
    reverted = _in_database(loaded, lambda tx: resume(tx, name, before=before, now=_now()))
    if reverted is None:
        raise _failure(f"nothing has been matched of {name} yet")
    typer.echo(f"{name} goes on at block {from_block}; matches reverted: {reverted}")


@cli.command()
def listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[
        list[str] | None, typer.Option(help="whsec_…; may be repeated: any of them may sign.")
    ] = None,
    status: Annotated[int, typer.Option(min=200, max=599, help="What to answer.")] = 204,
    delay: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0,
    fail: Annotated[int, typer.Option(min=0, help="Answer 500 to the first so many.")] = 0,
    config: ConfigPath = None,
) -> None:
    """Receive webhooks, verify their signatures, and print them."""
    _load(config)
    from crypitor.listen import Behaviour, Receiver, line
    from crypitor.webhook.signature import key_of

    try:
        for each in secret or []:
            key_of(each)
    except Invalid as wrong:
        raise typer.BadParameter(wrong.detail) from wrong
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)

    async def receive() -> None:
        with _stop_signal() as stop:
            async with Receiver(
                lambda: secret or [],
                host=host,
                port=port,
                behaviour=Behaviour(status, delay, fail),
                told=lambda received: console.print(line(received)),
                keep=0,
            ) as receiver:
                console.print(f"listening on {receiver.url}, Ctrl-C ends it")
                await stop.wait()

    _run_server(receive, host, port)


@cli.command()
def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8545,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[str, typer.Option(help="The same seed gives the same traffic.")] = "0",
    chain_id: Annotated[int, typer.Option(min=1, help="Answer to eth_chainId.")] = 1337,
    block_seconds: Annotated[float, typer.Option(min=0.01, help="Between blocks.")] = 1.0,
    transfers: Annotated[tuple[int, int], typer.Option(help="Least and most in a block.")] = (
        20,
        60,
    ),
    reorg_every: Annotated[int, typer.Option(min=0, help="Blocks, about; 0 for never.")] = 25,
    chaos: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:RATE]",
            help=f"How the node fails or lies, in how many of the requests, 0.1 of them if no rate"
            f" is given; may be repeated. {FAULT_NAMES}, or all of them: all",
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Serve a simulated chain over JSON-RPC, HTTP and WebSocket."""
    _load(config)
    from crypitor.simulator.chain import SimulatedChain
    from crypitor.simulator.chaos import Chaos, read_rates
    from crypitor.simulator.mining import keep_mining
    from crypitor.simulator.rpc import SimulatorServer

    try:
        node_chaos = Chaos(seed, read_rates(chaos or ()))
        chain = SimulatedChain(
            seed,
            chain_id=chain_id,
            transfers=transfers,
            genesis_time=time.time(),
            block_seconds=block_seconds,
            keep_blocks=10_000,
        )
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong

    async def mine() -> None:
        with _stop_signal() as stop:
            async with SimulatorServer(chain, host, port, chaos=node_chaos) as server:
                typer.echo(f"chain {chain_id} at {server.url} and {server.ws_url}, Ctrl-C ends it")
                await keep_mining(chain, server, block_seconds, reorg_every, stop)

    _run_server(mine, host, port)


def _load(path: Path | None) -> "Config":
    """Read the configuration and begin to log as it says."""
    from crypitor.config import load
    from crypitor.log import setup

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    config = load(path)
    setup(config.log.level, config.log.format)
    return config


def _remote(config: "Config", url: str | None, key: str | None) -> "Remote":
    """Return the service that is meant; the local admin key goes to the local service alone."""
    from crypitor.declared.remote import Remote, local_key, local_url

    if url is None:
        return Remote(local_url(config), key or local_key(config))
    return Remote(url, key or "")


def _in_database(config: "Config", work: "Callable[[Transaction], Awaitable[T]]") -> T:
    from crypitor.database.engine import Database
    from crypitor.database.migrate import migrate as apply
    from crypitor.database.migrate import pending

    url = config.database.url.get_secret_value()

    async def unit() -> T:
        if config.database.migrate:
            await apply(url)
        elif await pending(url):
            raise _failure("the schema is not the newest; run `crypitor migrate`")
        async with Database.open(url, connections=1) as database:
            return await database.write(work)

    return asyncio.run(unit())


def _run_server(serve: Callable[[], Coroutine[Any, Any, None]], host: str, port: int) -> None:
    try:
        asyncio.run(serve())
    except OSError as error:
        raise _failure(f"cannot listen on {host}:{port}: {error.strerror}") from error


@contextlib.contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    both = (signal.SIGINT, signal.SIGTERM)
    for each in both:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in both:
            loop.remove_signal_handler(each)


def _failure(sentence: str) -> CrypitorError:
    return CrypitorError(sentence)


def _now() -> int:
    return time.time_ns() // 1_000_000
