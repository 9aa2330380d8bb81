"""What `check` finds of each node: it is asked what `run` would ask it first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crypitor.config import NetworkConfig
from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.profiles import DEVELOPMENT_CHAINS
from crypitor.evm.types import Hash, Header
from crypitor.probe.asking import Asking
from crypitor.probe.fitting import fit
from crypitor.probe.telling import is_stronger
from crypitor.process.check.finding import Finding, fine, trouble
from crypitor.worker.node import Node
from crypitor.worker.reset import begun_anew, reset_reason
from crypitor.worker.trail import Trail

STRONGER_BLOCKS = 16
"""The newest blocks, of which it is tried whether they would pass a stronger proof."""

STALE_SECONDS = 300
"""A head that is older makes one look whether the node still follows its chain.

Not that of a development node, which makes blocks when it is told to.
"""


@dataclass(frozen=True, slots=True)
class Matched:
    """What has been matched of a network: the newest headers, the newest last, and block 0."""

    headers: Sequence[Header] = ()
    genesis: Hash | None = None


async def node_finding(
    network: str, wanted: NetworkConfig, url: str, name: str, matched: Matched
) -> Finding:
    """Look at one node. matched: what has been matched of its network."""
    subject = f"node {name} of {network}"
    try:
        async with Node(
            url,
            name,
            chain_id=wanted.chain_id,
            timeout_seconds=wanted.timeout_seconds,
            verify=wanted.verify,
            profile=wanted.profile,
            traces=wanted.traces,
        ) as node:
            found = await _Look(subject, network, wanted, node, matched).finding()
        return replace(found, sentence=found.sentence + await _stronger(network, wanted, url))
    except Unproven as lie:
        if lie.check == "traces":
            cure = f'use a node that traces, or set networks.{network}.traces = "off"'
        else:
            cure = (
                "either the node leaves something out: use another one; or this chain needs a"
                f' weaker networks.{network}.verify ("logs" or "off")'
            )
        return trouble(subject, f"{lie}", cure)
    except NodeUnavailable as gone:
        cure = (
            f"see that it runs, that its URL in networks.{network}.rpc is right, and that it is a"
            " node of this chain: another chain has a table with a name and a chain_id of its own"
        )
        return trouble(subject, f"{gone}", cure)


async def _stronger(network: str, wanted: NetworkConfig, url: str) -> str:
    """Return words about a stronger proof that would hold of the newest blocks; "" for none."""
    if not is_stronger("receipts", wanted.verify):
        return ""
    try:
        async with Asking(url, wanted.timeout_seconds) as node:
            level = fit(await node.newest(STRONGER_BLOCKS), wanted.profile).profile.strongest
    except NodeUnavailable:
        return ""
    if not is_stronger(level, wanted.verify):
        return ""
    return f'; verify = "{level}" would hold too, see `crypitor network probe {network}`'


class _Look:
    """One look at one node."""

    def __init__(
        self,
        subject: str,
        network: str,
        wanted: NetworkConfig,
        node: Node,
        matched: Matched,
    ) -> None:
        self._subject = subject
        self._network = network
        self._wanted = wanted
        self._node = node
        self._kept = matched.headers
        self._genesis = matched.genesis
        self._another = f"name another node in networks.{network}.rpc"

    async def finding(self) -> Finding:
        """Ask what a start asks: the head, what is below the first block, and that block."""
        head = await self._node.header_at("latest")
        if head is None:
            return self._trouble(
                "has no latest block", f"wait until it has synced, or {self._another}"
            )
        return (
            await self._compared(head)
            or await self._first(head)
            or await self._tag()
            or self._age(head)
        )

    def _trouble(self, sentence: str, cure: str) -> Finding:
        return trouble(self._subject, sentence, cure)

    async def _compared(self, head: Header) -> Finding | None:
        """Compare the node's chain with what has been matched; None where a start goes on."""
        if not self._kept:
            return None
        trail = Trail(self._wanted.max_reorg_depth)
        trail.replace(self._kept)
        if begun := await begun_anew(trail, self._genesis, self._node):
            return self._trouble(
                reset_reason(self._network, self._kept[-1], begun, head.number),
                f"`crypitor network resume {self._network} --from-block 0`",
            )
        tip, lowest = self._kept[-1], self._kept[0]
        highest = min(tip.number, head.number)
        there = await self._node.headers(lowest.number, highest) if highest >= lowest.number else ()
        known = {header.number: header.hash for header in self._kept}
        if not any(known[header.number] == header.hash for header in there):
            return self._another_chain(head)
        if head.number < tip.number and known[head.number] == head.hash:
            return self._trouble(
                f"its head {head.number} is {tip.number - head.number} blocks behind block"
                f" {tip.number}, which was matched",
                f"wait until it has caught up, or {self._another}",
            )
        return None

    def _another_chain(self, head: Header) -> Finding:
        tip, lowest = self._kept[-1], self._kept[0]
        resume = f"`crypitor network resume {self._network} --from-block"
        if head.number < lowest.number:
            sentence = (
                f"its head is {head.number}, but blocks up to {tip.number} were matched: the node"
                " was reset, or has not synced yet"
            )
        else:
            sentence = (
                f"has none of the blocks {lowest.number} to {tip.number} that were matched: the"
                " node was reset, its chain forked deeper than max_reorg_depth, or it is of"
                " another chain with the same id"
            )
        return self._trouble(
            sentence,
            f"if the chain was begun anew: {resume} 0`; if it forked: {resume} N` with the first"
            f" block that differs; else {self._another}, or wait until it has synced",
        )

    async def _first(self, head: Header) -> Finding | None:
        """Ask for the block with which a start goes on, in the request that asks for it there."""
        if self._kept:
            first = self._kept[-1].number + 1
        else:
            first = head.number if self._wanted.start == "latest" else self._wanted.start
            if first > 0:
                below = await self._node.headers(
                    max(first - self._wanted.max_reorg_depth, 0), first - 1
                )
                if not below:
                    return self._missing(first - 1, head)
        sight = await self._node.next(first, tags=True)
        if sight.block is None and first < sight.head.number:
            return self._missing(first, sight.head)
        # At the head itself receipts may still be missing for a moment: its parent proves itself.
        number = max(head.number - 1, 0)
        if sight.block is None and await self._node.block(number) is None:
            return self._missing(number, sight.head)
        return None

    def _missing(self, number: int, head: Header) -> Finding:
        return self._trouble(
            f"has not all of block {number}, though its head is {head.number}",
            f"name a node in networks.{self._network}.rpc that keeps its history (an archive), or"
            f" a later networks.{self._network}.start where nothing was matched yet",
        )

    async def _tag(self) -> Finding | None:
        tag = self._wanted.confirmations
        if isinstance(tag, str) and await self._node.header_at(tag) is None:
            return self._trouble(
                f'does not know the tag "{tag}" of confirmations',
                f"set networks.{self._network}.confirmations to a number of blocks",
            )
        return None

    def _age(self, head: Header) -> Finding:
        seconds = round(time.time() - head.timestamp)
        sentence = (
            f"chain {self._wanted.chain_id}, head {head.number}, {max(seconds, 0)} s old,"
            f" blocks prove themselves ({self._wanted.verify})"
            + "".join(f"; it {limit}" for limit in self._node.limits)
        )
        if seconds > STALE_SECONDS and self._wanted.chain_id not in DEVELOPMENT_CHAINS:
            return self._trouble(
                f"{sentence}: has it stopped following the chain?",
                f"see whether it has peers and syncs, or {self._another}; a chain that makes no"
                " blocks by itself may be left so",
            )
        return fine(self._subject, sentence)
