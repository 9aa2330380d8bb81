"""For development: a receiver that verifies, a chain that misbehaves, and benches."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crypitor.cli.opened import ConfigPath, failure, load
from crypitor.cli.saying import say
from crypitor.development.simulator.faults import MEANING as FAULTS
from crypitor.development.simulator.quirks import MEANING as QUIRKS
from crypitor.errors import Invalid, words_of
from crypitor.runtime.signals import stop_signal

if TYPE_CHECKING:
    from rich.text import Text

    from crypitor.development.listen import Received

WAYS_TO_DIFFER = "\n".join(
    [
        "The NAME of --quirk is how the blocks differ from Ethereum's:",
        *(f"• {quirk}: {what}" for quirk, what in QUIRKS.items()),
        "The NAME of --chaos is how the node fails or lies, or all:",
        *(f"• {fault}: {what}" for fault, what in FAULTS.items()),
    ]
)
"""What stands below the options of `simulate --help`."""


def listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[
        list[str] | None, typer.Option(help="whsec_…; may be repeated: any of them may sign.")
    ] = None,
    status: Annotated[int, typer.Option(min=200, max=599, help="What to answer.")] = 204,
    delay: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0,
    fail: Annotated[int, typer.Option(min=0, help="Answer 500 to the first so many.")] = 0,
    body: Annotated[bool, typer.Option("--body", help="Print what came, whole.")] = False,
    config: ConfigPath = None,
) -> None:
    """Receive webhooks, verify their signatures, and print them."""
    load(config)
    from crypitor.development.listen import Behaviour, Receiver, line, whole
    from crypitor.webhook.signature import key_of

    try:
        for each in secret or []:
            key_of(each)
    except Invalid as wrong:
        raise typer.BadParameter(wrong.detail) from wrong
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)

    def shown(received: "Received") -> list["Text"]:
        return [line(received), whole(received)] if body else [line(received)]

    async def receive() -> None:
        with stop_signal() as stop:
            async with Receiver(
                lambda: secret or [],
                host=host,
                port=port,
                behaviour=Behaviour(status, delay, fail),
                told=lambda received: console.print(*shown(received), sep="\n"),
                keep=0,
            ) as receiver:
                checks = "" if secret else "; ? is not checked: give --secret whsec_…"
                console.print(f"listening on {receiver.url}, Ctrl-C ends it{checks}")
                await stop.wait()

    _run_server(receive, host, port)


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
            help="How the node fails or lies, in how many of the requests, 0.1 of them if no rate"
            " is given; may be repeated. The names stand below.",
        ),
    ] = None,
    coin_logs: Annotated[
        bool,
        typer.Option("--coin-logs", help="Each move of the coin is a log too (EIP-7708)."),
    ] = False,
    withdrawals: Annotated[
        tuple[int, int], typer.Option(help="Least and most withdrawals in a block.")
    ] = (0, 0),
    quirk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="How its blocks differ from Ethereum's; may be repeated. The names stand below.",
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Serve a simulated chain over JSON-RPC, HTTP and WebSocket."""
    load(config)
    from crypitor.development.simulator.chain import SimulatedChain
    from crypitor.development.simulator.chaos import Chaos, read_rates
    from crypitor.development.simulator.mining import keep_mining
    from crypitor.development.simulator.quirks import read_quirks
    from crypitor.development.simulator.rpc import SimulatorServer

    try:
        node_chaos = Chaos(seed, read_rates(chaos or ()))
        chain = SimulatedChain(
            seed,
            chain_id=chain_id,
            transfers=transfers,
            genesis_time=time.time(),
            block_seconds=block_seconds,
            keep_blocks=10_000,
            coin_logs=coin_logs,
            withdrawals=withdrawals,
            quirks=read_quirks(quirk or ()),
        )
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong

    async def mine() -> None:
        with stop_signal() as stop:
            async with SimulatorServer(chain, host, port, chaos=node_chaos) as server:
                say(f"chain {chain_id} at {server.url} and {server.ws_url}, Ctrl-C ends it")
                await keep_mining(chain, server, block_seconds, reorg_every, stop)

    _run_server(mine, host, port)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Which; left out: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, smaller inputs.")] = False,
    against: Annotated[
        str | None, typer.Option(metavar="REV", help="Measure this revision too, in turn.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of measurements of --against.")] = 5,
    config: ConfigPath = None,
) -> None:
    """Measure what it costs on this machine. Only in a checkout: the benches are not installed."""
    load(config)
    checkout = Path(__file__).parents[2]
    if not (checkout / "bench" / "__main__.py").is_file():
        raise failure("the benches are not installed; run `make bench` in a checkout of the source")
    options = [*(names or ()), *(["--json"] if as_json else ()), *(["--quick"] if quick else ())]
    options += ["--against", against, "--rounds", str(rounds)] if against else []
    command = [sys.executable, "-m", "bench", *options]
    done = subprocess.run(command, cwd=checkout, check=False)  # noqa: S603 - of this checkout
    raise typer.Exit(done.returncode)


def _run_server(serve: Callable[[], Coroutine[Any, Any, None]], host: str, port: int) -> None:
    try:
        asyncio.run(serve())
    except OSError as error:
        raise failure(
            f"cannot listen on {host}:{port}: {words_of(error)}; give another --port"
        ) from error
