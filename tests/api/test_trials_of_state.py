"""Testing monitors of balances and views through the API, against what a simulated chain knows."""

import pytest

from crypitor.development.simulator.state import FIRST_COINS, FIRST_TOKENS, State
from crypitor.development.simulator.tokens import Erc20
from tests.api.test_trials import TIP, chain, made, node, tested, tried
from tests.dashboard.conftest import Browser
from tests.worker.faulty import altered

__all__ = ["chain", "node", "tested"]


class Truth:
    """What an account has of the coin or a token after each block, and which transactions touch it."""

    def __init__(self, chain, account, token=None):
        state, first = State(chain.by_hash), FIRST_COINS if token is None else FIRST_TOKENS
        blocks = [chain.by_number(number) for number in range(TIP + 1)]
        self.account, self.token, self.first = account, token, first
        self.had = [state.balance(block, account, token, None, first) for block in blocks]
        self.touching, self.others = {}, []
        for block in blocks:
            for mined in block.transactions:
                logs, called = mined.events, {mined.signed.envelope.to, mined.created}
                called |= {log.address for log in logs}
                topics = {"0x" + topic[-20:].hex() for log in logs for topic in log.topics}
                touched = called | topics | {mined.signed.sender} if token is None else called
                if (token or account) in touched:
                    self.touching.setdefault(block.number, mined.signed.hash)
                else:
                    self.others.append(mined.signed.hash)

    def began(self):
        return [at for at in range(1, TIP + 1) if self.poor(at) and not self.poor(at - 1)]

    def poor(self, at):
        return self.had[at] < self.first

    def examples(self):
        """Transactions: with which it became true, after which it stays true, and is false."""
        later = [at for at in self.touching if at and self.poor(at) and self.poor(at - 1)]
        rich = [at for at in self.touching if at and not self.poor(at)]
        began = [at for at in self.began() if at in self.touching]
        return (began[0], later[0], rich[0]) if began and later and rich else None


def found_in(chain, tokens=(None,)):
    """The first account, and token, that shows all that a condition can come to."""
    all_ = (Truth(chain, actor.address, token) for token in tokens for actor in chain.actors)
    return next(truth for truth in all_ if truth.examples())


async def explained(tested, monitor, transaction):
    """What the second rule of a monitor finds, which is about state, and the number of matches."""
    _, told = await tried(tested, monitor, transaction=transaction)
    rule = told["transaction"]["rules"][1]
    [finding] = rule["findings"]
    return rule, finding, told


def values_of(finding):
    return {
        name: value for part in finding["where"]["parts"] for name, value in part["values"].items()
    }


async def check(tested, monitor, truth, values):
    """Test three transactions and one that touched nothing; values: at a height."""
    began, later, rich = truth.examples()
    for at, reason in (
        (began, None),
        (later, "the condition was true in the block before as well"),
        (rich, "the condition is false"),
    ):
        rule, finding, told = await explained(tested, monitor, truth.touching[at])
        matched = [one for one in told["matches"] if one["kind"] == rule["kind"]]
        assert values_of(finding) == values(at)
        assert [one["obstacle"] for one in finding["reasons"]] == ([] if at == began else ["where"])
        assert reason is None or reason in rule["detail"]
        assert rule["matches"] == len(matched) == (at == began)
        assert finding["contract"] == truth.token
    rule, finding, _ = await explained(tested, monitor, truth.others[0])
    assert (rule["matches"], finding["where"]) == (0, None)
    assert "the transaction touched none of" in rule["detail"]


async def test_a_balance_is_explained_and_tried_on_a_range(tested, chain):
    """A transaction tells what was true of the block that it is in; a range when it became true."""
    truth = found_in(chain)
    where = f"balance < {FIRST_COINS} and change != 1 and previous > 0"
    rules = [{"kind": "native", "where": "amount < 0"}, {"kind": "balance", "where": where}]
    named = [{"address": truth.account, "label": "hot"}]
    monitor = await made(tested, chain, networks=["dev"], addresses=named, rules=rules)
    _, told = await tried(tested, monitor, from_block=1, to_block=TIP)
    had = truth.had

    assert [match["block"]["number"] for match in told["matches"]] == truth.began()
    for match, at in zip(told["matches"], truth.began(), strict=True):
        assert (match["address"], match["label"]) == (truth.account, "hot")
        balance = match["balance"]
        shown = (balance["value"], balance["previous"], balance["change"])
        assert shown == (str(had[at]), str(had[at - 1]), str(had[at] - had[at - 1]))
        assert match["looked_at"][1]["number"] == at
    await check(
        tested, monitor, truth,
        lambda at: {
            "balance": str(had[at]), "previous": str(had[at - 1]), "change": str(had[at] - had[at - 1]),
        },
    )  # fmt: skip


async def test_a_view_is_explained_and_tried_on_a_range(tested, chain):
    """What the function returned in that block, and in the one before."""
    tokens = [one.address for one in chain.contracts.tokens if isinstance(one, Erc20)]
    truth = found_in(chain, tokens)
    view = {
        "kind": "view", "contracts": [truth.token], "args": [truth.account],
        "signature": "function balanceOf(address owner) view returns (uint256)",
        "where": f"result < {FIRST_TOKENS} and previous > 0",
    }  # fmt: skip
    rules = [{"kind": "native", "where": "amount < 0"}, view]
    monitor = await made(tested, chain, networks=["dev"], addresses=[], rules=rules)
    _, told = await tried(tested, monitor, from_block=1, to_block=TIP)

    assert [match["block"]["number"] for match in told["matches"]] == truth.began()
    for match, at in zip(told["matches"], truth.began(), strict=True):
        assert match["contract"]["address"] == truth.token
        assert match["view"]["result"] == {"0": str(truth.had[at])}
    await check(
        tested, monitor, truth,
        lambda at: {"result": str(truth.had[at]), "previous": str(truth.had[at - 1])},
    )  # fmt: skip


async def test_a_view_without_an_answer_is_told_and_counted(tested, chain):
    """Of a function that reverts nothing is known; in a range each such look is counted."""
    truth = found_in(
        chain, [one.address for one in chain.contracts.tokens if isinstance(one, Erc20)]
    )
    view = {
        "kind": "view",
        "contracts": [truth.token],
        "signature": "function no() view returns (int8)",
    }
    rules = [{"kind": "native", "where": "amount < 0"}, {**view, "where": "result < 5"}]
    monitor = await made(tested, chain, networks=["dev"], addresses=[], rules=rules)
    _, told = await tried(tested, monitor, from_block=1, to_block=TIP)
    touching = {at: name for at, name in truth.touching.items() if at}
    rule, finding, _ = await explained(tested, monitor, next(iter(touching.values())))

    assert (told["match_count"], told["blocks"]["condition_errors"]) == (0, len(touching))
    assert "had no answer" in told["blocks"]["warning"]
    assert "the condition has no answer" in rule["detail"]
    assert finding["where"]["outcome"] is None


async def test_the_dashboard_tells_whose_balance_it_was(tested, chain):
    """With the account, what it is of, and the values that decided."""
    truth = found_in(chain)
    rules = [{"kind": "balance", "where": f"balance < {FIRST_COINS}"}]
    monitor = await made(tested, chain, networks=["dev"], addresses=[truth.account], rules=rules)
    _, _, rich = truth.examples()
    browser = Browser(tested.url)
    await browser.log_in(tested.admin)
    await browser.get(f"/monitors/{monitor}")
    form = {"network": "dev", "transaction": truth.touching[rich]}
    page = (await browser.post(f"/monitors/{monitor}/test", form)).html
    await browser.session.close()

    assert "It would not match" in page.words
    assert "the coin" in page.words
    assert f"balance = {truth.had[rich]}" in page.words


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_call"])
async def test_without_the_state_the_other_rules_are_explained(tested, chain, node, method):
    """A node that has forgotten what was there says nothing of the rules that need no state."""
    truth = found_in(chain)
    token = next(one.address for one in chain.contracts.tokens if isinstance(one, Erc20))
    balance = {"kind": "balance", "where": "balance > 0"}
    balance |= {} if method == "eth_getBalance" else {"contracts": [token]}
    monitor = await made(
        tested,
        chain,
        networks=["dev"],
        addresses=[truth.account],
        rules=[{"kind": "transaction"}, balance],
    )

    def forgotten(_, answer):
        answer.pop("result", None)
        answer["error"] = {"code": -32000, "message": "missing trie node 7e6e (path )"}

    node.alter = altered(method, forgotten)
    transaction = next(name for at, name in truth.touching.items() if at)
    rule, finding, told = await explained(tested, monitor, transaction)

    assert told["transaction"]["rules"][0]["findings"]
    assert [one["obstacle"] for one in finding["reasons"]] == ["where"]
    assert "no node has the state of block" in rule["detail"]
