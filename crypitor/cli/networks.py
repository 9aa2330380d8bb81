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
        int, typer.Option(min=0, help="The first block that is read again; its parent is kept.")
    ],
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
    from crypitor.database.networks import resume
    from crypitor.database.past import matched_tip
    from crypitor.process.status import title_of
    from crypitor.runtime.loop import clock
    from crypitor.worker import Unobserved
    from crypitor.worker.beginning import ground_of
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
            head = await nodes.header_at("latest")
            if head is None or head.number < from_block - 1:
                raise failure(
                    f"no node has block {from_block - 1}"
                    + (f": their head is {head.number}" if head else "")
                )
            return await ground_of(from_block, network.max_reorg_depth, nodes)

    before = asyncio.run(ancestors())
    tip = in_database(loaded, lambda tx: matched_tip(tx, name))
    left = _left_out(tip, from_block)
    if left:
        typer.echo(f"{name}: {left} will not be matched")
    if not before and from_block:
        typer.echo(f"{name}: block {from_block} stands on nothing that the nodes have")
    reverted = in_database(
        loaded,
        lambda tx: resume(
            tx, name, before=before, now=clock(), title=title_of(network), first=from_block
        ),
    )
    if reverted is None:
        raise failure(f"nothing has been matched of {name} yet")
    typer.echo(
        f"{name} goes on at block {from_block}; matches reverted: {reverted};"
        f" left unmatched: {left or 'no block'}"
    )


def _left_out(tip: int | None, first: int) -> str:
    """Return which heights between what was matched and what will be are left out; or nothing."""
    if tip is None or first <= tip + 1:
        return ""
    count = first - tip - 1
    which = f"block {tip + 1}" if count == 1 else f"blocks {tip + 1} to {first - 1}"
    return f"{count} block{'s' * (count > 1)} ({which})"
