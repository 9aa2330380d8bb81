"""`crypitor network`: what an operator does to a network by hand."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypitor.evm.types import Header

networks = typer.Typer(help="The networks that are followed.", no_args_is_help=True)


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
    loaded = load(config)
    network = loaded.followed.get(name)
    if network is None:
        raise failure(f"no network {name} with a node is configured")
    from crypitor.database.networks import resume
    from crypitor.loop import clock
    from crypitor.standing import title_of
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
            profile=network.profile,
            calls_per_second=network.rpc_per_second,
            observer=Unobserved(),
        ) as nodes:
            return await headers_below(from_block, network.max_reorg_depth, nodes)

    before = asyncio.run(ancestors())
    if not before:
        raise failure(f"no node has block {from_block - 1}")
    reverted = in_database(
        loaded,
        lambda tx: resume(tx, name, before=before, now=clock(), title=title_of(network)),
    )
    if reverted is None:
        raise failure(f"nothing has been matched of {name} yet")
    typer.echo(f"{name} goes on at block {from_block}; matches reverted: {reverted}")
