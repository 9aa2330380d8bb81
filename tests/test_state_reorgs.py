"""
Balances over random scripts of mining, reorgs, outages and kills: in the end each endpoint has heard
what a plain reading of the final chain says, and a retraction of all the rest.
"""

import random
from contextlib import AsyncExitStack

import msgspec
import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.state import FIRST_COINS, FIRST_TOKENS, State
from crypitor.monitor.models import Kind, rule_of
from crypitor.monitor.position import kept_headers
from tests.stepped import SECRET, Asked, Stepped, webhooks

SCRIPTS = 300
QUICK_SCRIPTS = 15
ACTIONS = 18
MOST_MINED = 3
PHASES = ("detected", "confirmed", "ended")
RICH = f"balance >= {FIRST_COINS}"
POOR = f"balance < {FIRST_COINS}"


def truth_of(chain, number, account, contract, token_id, poor, rearms):
    """Heights at which a balance becomes what is told, and ends to be, read block by block."""
    state, raised, told = State(chain.by_hash), False, []
    first = FIRST_COINS if contract is None else FIRST_TOKENS
    for block_hash in chain.canonical()[number:]:
        block = chain.by_hash(block_hash)
        had = state.balance(block, account, contract, token_id, first)
        if not raised and poor(had):
            raised = True
            told.append(("detected", block_hash))
        elif raised and rearms(had) and not poor(had):
            raised = False
            told.append(("ended", block_hash))
    return told


def phase_at(tip_of, number_of, required, began, ended):
    """What a match is once the chain has reached so high: tip_of, number_of a block by its hash."""
    for phase, block in (("ended", ended), ("confirmed", began)):
        if block is not None and tip_of(block) - number_of[block] + 1 >= required:
            return phase
    return "detected"


class Script:
    """One random life of a chain and of a service that looks at balances.

    told: what was done.  floor: the block of the first look, which stays.
    """

    def __init__(self, rng, rig, floor):
        self.told = []
        self._floor = floor
        self._rng, self._rig, self._chain = rng, rig, rig.chain
        self._kept = kept_headers(rig.max_reorg_depth)
        self._fork = rig.chain.head.number

    async def act(self):
        act = self._rng.choices(
            [self._mine, self._reorg, self._back, self._step, self._settle, self._kill],
            [8, 8, 4, 8, 5, 3],
        )[0]
        self.told.append(act.__name__)
        await self.keep_up()
        await act()

    async def keep_up(self):
        """Settle before so much is mined that headers are forgotten that were not looked at.

        What is not looked at before that is looked at later, once. The block to which looks have
        to go back may be forgotten: none is above it that was.
        """
        looked = self._chain.by_hash(await self._rig.looked_hash())
        if looked is self._chain.head:
            self._fork = looked.number
        while not self._chain.is_canonical(looked):
            looked = self._chain.by_hash(looked.parent_hash)
        # Branches that come and go between two acts may have been matched.
        self._fork = min(self._fork, looked.number)
        if self._chain.head.number + MOST_MINED - self._fork > self._kept:
            await self._rig.settle()
            self._fork = self._chain.head.number

    async def _mine(self):
        self._chain.mine(self._rng.randint(1, MOST_MINED))

    def _deepest(self):
        lowest = max(self._rig.lowest, self._floor)
        return min(self._chain.head.number - lowest, self._rig.max_reorg_depth)

    async def _reorg(self):
        deepest = self._deepest()
        if deepest > 0:
            depth = self._rng.randint(1, deepest)
            self._chain.reorg(depth, max(depth + self._rng.choice((-1, 0, 1, 2)), 0))

    async def _back(self):
        lowest = self._chain.head.number - self._deepest()
        heads = [
            head
            for head in self._chain.orphaned_heads()[-6:]
            if self._base_of(head) >= lowest
            and head.number - min(self._fork, self._base_of(head)) <= self._kept
        ]
        if heads:
            self._chain.go_back(self._rng.choice(heads).hash)

    def _base_of(self, head):
        return self._chain.branch_to(head.hash).blocks[0].number - 1

    async def _step(self):
        await self._rig.follow(self._rng.randint(1, 6))
        await self._rig.match(self._rng.randint(0, 6))
        await self._rig.look(self._rng.randint(0, 6))

    async def _settle(self):
        await self._rig.follow(50)
        await self._rig.match(50)
        await self._rig.look(200)

    async def _kill(self):
        await self._rig.killed(self._rng.randint(1, 150))


def heard_by(receiver):
    """What the endpoint heard of each match, in order: type, block hash, and of an end its block."""
    found = {}
    for told in webhooks(receiver):
        body = msgspec.json.decode(told.body)
        found.setdefault(body["data"]["id"], []).append(
            (body["type"][len("match.") :], body["data"])
        )
    return found


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=[pytest.mark.soak] if seed >= QUICK_SCRIPTS else [])
        for seed in range(SCRIPTS)
    ],
)
async def test_a_random_script(tmp_path, migrated_sqlite, seed):
    """A drained and refilled account is told as the final chain has it, whatever came before."""
    rng = random.Random(f"state {seed}")
    lists = rng.random() < 0.5  # else the coin's own logs tell of it
    chain = SimulatedChain(
        seed, transfers=(0, 4), actors=5, coin_logs=not lists, access_lists=lists,
        withdrawals=(0, 2 * lists), multicall=rng.random() < 0.7,
    )  # fmt: skip
    depth = rng.randint(4, 8)
    chain.mine(rng.randint(2, 4))
    token = chain.contracts.erc20[0].address
    rules = (
        rule_of(Kind.BALANCE, where=POOR, rearm=rng.choice((None, f"balance > {FIRST_COINS}"))),
        rule_of(
            Kind.BALANCE,
            contracts=frozenset([token]),
            where=f"balance < {FIRST_TOKENS}",
            every_blocks=rng.choice((None, 3)),
        ),
    )
    accounts = tuple(actor.address for actor in chain.actors[:3])
    required = rng.randint(1, depth)
    asked = [Asked(accounts, required, "a", rules)]
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(SimulatorServer(chain))
        receiver = await stack.enter_async_context(Receiver(lambda: [SECRET]))
        rig = await stack.enter_async_context(
            Stepped(tmp_path, migrated_sqlite, chain, [node.url], receiver, asked,
                    start=chain.head.number, max_reorg_depth=depth)
        )  # fmt: skip
        await rig.settle()
        chain.mine()
        first = chain.head.number  # what is watched is looked at first in the block that comes next
        await rig.settle()
        script = Script(rng, rig, first)
        for _ in range(ACTIONS):
            await script.act()
        await script.keep_up()
        chain.mine(rng.randint(1, 2))
        await rig.settle()
        heard = heard_by(receiver)
        gauges = await rig.gauges()

    story = f"seed {seed}: {script.told}"
    assert len(gauges) == 6, story
    wanted, ends = {}, {}
    for account in accounts:
        for contract, poor, rearms in (
            (None, lambda had: had < FIRST_COINS,
             (lambda had: had > FIRST_COINS) if rules[0].rearm else (lambda had: had >= FIRST_COINS)),
            (token, lambda had: had < FIRST_TOKENS, lambda had: had >= FIRST_TOKENS),
        ):  # fmt: skip
            begun = None
            for what, block in truth_of(chain, first, account, contract, None, poor, rearms):
                if what == "detected":
                    begun = (account, contract, block)
                    wanted[begun] = []
                else:
                    ends[begun] = block
    height = {block: number for number, block in enumerate(chain.canonical())}
    # What was confirmed on a longer branch stays so where a shorter one holds the block as well.
    highest = chain.heights_reached()
    seen = {}
    for told in heard.values():
        phases, data = [phase for phase, _ in told], told[-1][1]
        contract = data["contract"] and data["contract"]["address"]
        key = (data["address"], contract, data["block"]["hash"])
        if phases[-1] == "reverted":
            assert data["block"]["hash"] not in height or key not in wanted, (story, key, phases)
            continue
        assert key in wanted, (story, "invented", key, phases)
        assert key not in seen, (story, "twice", key)
        seen[key] = phases
        least, most = (
            PHASES.index(phase_at(tip_of, height, required, key[2], ends.get(key)))
            for tip_of in (lambda _: chain.head.number, highest.__getitem__)
        )
        assert phases[-1] in PHASES[least : most + 1], (story, key, phases)
        if phases[-1] == "ended":
            assert data["ended"]["block"]["hash"] == ends[key], (story, key)
    assert seen.keys() == wanted.keys(), (story, "missing", wanted.keys() - seen.keys())
