"""Balances that no log tells of, where nodes serve block access lists (EIP-7928)."""

from contextlib import AsyncExitStack

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.state import FIRST_COINS, State
from crypitor.monitor.models import Kind, rule_of
from tests.stepped import SECRET, Asked, Stepped

BLOCKS = 12


async def missed_by(tmp_path, migrated, *, lists):
    """Accounts whose balance was another than what was shown of it, by height."""
    chain = SimulatedChain(5, transfers=(10, 20), actors=60, access_lists=lists)
    chain.mine(2)
    accounts = tuple(actor.address for actor in chain.actors)
    rule = rule_of(Kind.BALANCE, where="balance < 5 ether")
    state, missed = State(chain.by_hash), []
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(SimulatorServer(chain))
        receiver = await stack.enter_async_context(Receiver(lambda: [SECRET]))
        asked = [Asked(accounts, 1, "a", (rule,))]
        rig = await stack.enter_async_context(
            Stepped(tmp_path, migrated, chain, [node.url], receiver, asked, start=2)
        )
        await rig.settle()
        chain.mine()  # what is watched is looked at first in the block that comes next
        await rig.settle()
        for _ in range(BLOCKS):
            head = chain.mine()[-1]
            await rig.settle()
            shown = {row["subject"]: int(row["value"]) for row in await rig.gauges()}
            missed += [
                (head.number, account)
                for account in accounts
                if shown[account] != state.balance(head, account, first=FIRST_COINS)
            ]
    return missed


async def test_what_contracts_pay_out_is_seen_in_its_block(tmp_path, migrated_sqlite):
    """Neither logs nor calls show it; without lists it is seen when its account is asked again."""
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    missed = await missed_by(tmp_path / "with", migrated_sqlite, lists=True)
    without = await missed_by(tmp_path / "without", migrated_sqlite, lists=False)

    assert not missed
    assert without
