"""`crypitor network`: what an operator does to a network by hand."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load, path_of, with_database
from crypitor.cli.saying import say

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from crypitor.config import Config
    from crypitor.config.partly import PartOfNetwork
    from crypitor.database.engine import Database
    from crypitor.evm.types import Header
    from crypitor.worker.nodes import Nodes
    from crypitor.worker.passed import Passed
    from crypitor.worker.resuming import Footing, Proposal

MOST_COUNTED = 10_000
"""Matches above a proposed block."""

PROBE_SECONDS = 20.0
"""For one request to a node that no configuration knows."""

networks = typer.Typer(help="The networks that are followed.", no_args_is_help=True)


@networks.command("resume")
def resume_network(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As the configuration has it.")],
    from_block: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="The first block that is read again; its parent is kept. Without it one is"
            " proposed, and nothing is changed.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Go on where a network stopped, or anywhere else.

    Matches from this block on are reverted, and what the nodes have there now is matched. Below it
    nothing is needed: 0 begins the chain anew.
    """
    loaded = load(config)
    network = loaded.followed.get(name)
    if network is None:
        raise failure(f"no network {name} with a node is configured")
    from crypitor.database.networks import position_of, resume
    from crypitor.errors import Conflict
    from crypitor.process.status import title_of
    from crypitor.runtime.loop import clock

    first = _proposed(loaded, name) if from_block is None else from_block
    tip = next(iter(in_database(loaded, lambda tx: position_of(tx, name, 1)).headers), None)
    try:
        before, passed = asyncio.run(_footing(loaded, name, tip, first))
    except Conflict as refused:
        raise failure(refused.detail) from refused
    left = _left_out(passed)
    if left:
        say(f"{name}: {left} will not be matched")
    if not before and first:
        say(f"{name}: block {first} stands on nothing that the nodes have")
    if from_block is None:
        say(f"nothing is changed; to do it: crypitor network resume {name} --from-block {first}")
        return
    reverted = in_database(
        loaded,
        lambda tx: resume(
            tx, name, before=before, now=clock(), title=title_of(network), first=first
        ),
    )
    if reverted is None:
        raise failure(f"nothing has been matched of {name} yet")
    say(
        f"{name} goes on at block {first}; matches reverted: {reverted};"
        f" left unmatched: {left or 'no block'}"
    )


def _proposed(loaded: "Config", name: str) -> int:
    """Return the first block that differs from what was matched; says why, and what is above it."""
    from crypitor.database.networks import count_above, known_at, known_chain
    from crypitor.worker.resuming import proposed

    async def search(database: "Database") -> "tuple[Proposal, int]":
        known = await database.read(lambda tx: known_chain(tx, name))
        if known is None:
            raise failure(f"nothing has been matched of {name} yet")

        async def at(number: int) -> "tuple[int, str] | None":
            return await database.read(lambda tx: known_at(tx, name, number))

        async with _connected(loaded, name) as nodes:
            found = await proposed(known, at, nodes)
        return found, await database.read(
            lambda tx: count_above(tx, name, found.first - 1, MOST_COUNTED)
        )

    found, above = with_database(loaded, search)
    say(f"{name}: {found.reason}")
    many = f"{above} or more" if above == MOST_COUNTED else str(above)
    say(f"{name}: proposed is block {found.first}; matches that would be reverted: {many}")
    return found.first


async def _footing(loaded: "Config", name: str, tip: "Header | None", first: int) -> "Footing":
    from crypitor.worker.resuming import footing_of

    async with _connected(loaded, name) as nodes:
        depth = loaded.followed[name].max_reorg_depth
        return await footing_of(first, tip, depth=depth, nodes=nodes)


def _connected(loaded: "Config", name: str) -> "AbstractAsyncContextManager[Nodes]":
    from crypitor.worker import Unobserved
    from crypitor.worker.nodes import Nodes

    network = loaded.followed[name]
    return Nodes.of_urls(
        name,
        network.rpc,
        chain_id=network.chain_id,
        timeout_seconds=network.timeout_seconds,
        verify=network.verify,
        profile=network.profile,
        calls_per_second=network.rpc_per_second,
        observer=Unobserved(),
    )


@networks.command("probe")
def probe_network(
    target: Annotated[
        str, typer.Argument(metavar="NAME|URL", help="Of the configuration, or a node's URL.")
    ],
    blocks: Annotated[
        int, typer.Option(min=1, max=10_000, help="So many of the newest, and some old ones.")
    ] = 200,
    config: ConfigPath = None,
) -> None:
    """Find out how a chain's blocks prove themselves, and what its node can do.

    Prints what was found, and the network's table for config.toml. Nothing is stored or changed.
    Of a name only rpc is needed; what is missing beside it is found out.
    """
    part = None if "://" in target else _part_of(target, config)
    from crypitor.errors import NodeUnavailable
    from crypitor.probe.probe import probe
    from crypitor.probe.telling import is_stronger, lines, table
    from crypitor.runtime.redaction import shown

    urls = part.settings.rpc if part else (target,)
    seconds = part.settings.timeout_seconds if part else PROBE_SECONDS
    for url in urls:
        try:
            found = asyncio.run(probe(url, blocks, seconds, part.settings if part else None))
            break
        except NodeUnavailable as trouble:
            if url == urls[-1]:
                raise failure(f"{shown(url)}: {trouble}") from trouble
            say(f"{shown(url)}: {trouble}; the next node is asked", err=True)
    for line in lines(found):
        say(line)
    if part and part.chain_id not in {None, found.chain_id}:
        say(f"the configuration has chain_id = {part.chain_id}: the node is of another chain")
    level = found.fit.profile.strongest
    if part and part.chain_id and is_stronger(level, part.verify):
        say(f'stronger than verify = "{part.verify}", which is in force')
    say("\n" + table(found, target if part else f"chain-{found.chain_id}", shown(url)))
    if shown(url) != url.rstrip("/"):
        say("rpc is told without what may be a key: keep your own line.")


def _part_of(name: str, config: "Path | None") -> "PartOfNetwork":
    """Return what is right of a network's table; says on stderr what is wrong in the file."""
    from crypitor.config.partly import part_of_network
    from crypitor.errors import ConfigError

    try:
        load(config)
    except ConfigError as mistakes:
        say(f"the configuration is not complete; what is right of it is used. {mistakes}", err=True)
    part = part_of_network(path_of(config), name)
    if part is None or not part.settings.rpc:
        raise failure(f"no network {name} with a node is configured, and it is no URL")
    return part


def _left_out(passed: "Passed | None") -> str:
    """Return how many blocks between what was matched and what will be are left out; or nothing."""
    if passed is None or not passed.blocks:
        return ""
    heights = passed.last - passed.first + 1
    what = "height" if passed.is_most or passed.blocks < heights else "block"
    which = f"{what}s {passed.first} to {passed.last}" if heights > 1 else f"{what} {passed.first}"
    count = f"{'up to ' * passed.is_most}{passed.blocks} block{'s' * (passed.blocks > 1)}"
    return f"{count} ({which})"
