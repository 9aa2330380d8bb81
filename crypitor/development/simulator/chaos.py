"""A node that fails and lies at given rates, the same for the same seed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, NamedTuple

import msgspec

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.documents import Document, receipt_document
from crypitor.development.simulator.faults import MEANING, Fault
from crypitor.development.simulator.forms import FORMS
from crypitor.development.simulator.lies import OF_RECEIPTS, of_logs
from crypitor.development.simulator.params import METHOD_NOT_FOUND, SERVER_ERROR, is_hash
from crypitor.development.simulator.views import Backend, Shown
from crypitor.evm.types import Hash

DEFAULT_RATE = 0.1
_MOST_BEHIND = 5
_MOST_BACK = 20
_FOREIGN_BLOCKS = 20
_MOST_CALLS = 2
_OF_ONE_RECEIPT = frozenset(OF_RECEIPTS) - {Fault.MISSING_RECEIPT, Fault.CUT_LAST_TX}


_BULK = "eth_getBlockReceipts"


class _Refusal(NamedTuple):
    """An error in place of the result of a method: only of null, or of anything else."""

    fault: Fault
    method: str
    of_null: bool
    code: int
    message: str

    def is_of(self, method: str, told: Any) -> bool:
        return method == self.method and (told is None) == self.of_null


_REFUSALS = (
    _Refusal(
        Fault.NO_RECEIPTS_METHOD, _BULK, False, METHOD_NOT_FOUND,
        f"the method {_BULK} does not exist",
    ),
    _Refusal(
        Fault.NO_BULK_RECEIPTS, _BULK, False, SERVER_ERROR, "the method is disabled on this node"
    ),
    _Refusal(
        Fault.ERROR_ABOVE_HEAD, "eth_getBlockByNumber", True, SERVER_ERROR,
        "requested height is greater than the last accepted",
    ),
)  # fmt: skip


class Chaos:
    """The faults that are switched on.

    rates: how likely each is, for every request, 0 to 1.  fired: how often each had an effect.
    lied_about: hashes of the blocks about which something untrue was told.
    """

    def __init__(self, seed: int | str = 0, rates: Mapping[Fault, float] | None = None) -> None:
        self.rates: dict[Fault, float] = {}
        self.fired: Counter[Fault] = Counter()
        self.lied_about: set[Hash] = set()
        self._rng = Random(f"{seed}/chaos")  # noqa: S311 - must repeat itself; keeps no secret
        self._foreign: SimulatedChain | None = None
        self.switch(rates or {})

    def switch(self, rates: Mapping[Fault, float]) -> None:
        """Switch on these faults, and all others off. Raises ValueError for a rate out of range."""
        for fault, rate in rates.items():
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of {fault} is 0 to 1, got {rate:g}")
        self.rates = {fault: rates[fault] for fault in Fault if rates.get(fault)}

    def draw(self) -> frozenset[Fault]:
        """Return the faults of the next request."""
        return frozenset(fault for fault, rate in self.rates.items() if self._rng.random() < rate)

    def happened(self, fault: Fault) -> None:
        """Count a fault that had an effect."""
        self.fired[fault] += 1

    def view(self, faults: frozenset[Fault], chain: SimulatedChain) -> Shown:
        """Return the chain as the backend sees it that answers this request."""
        if Fault.FOREIGN_CHAIN in faults:
            self.happened(Fault.FOREIGN_CHAIN)
            return self._foreign_chain(chain)
        left = chain.left
        if Fault.OLD_BRANCH in faults and left and not chain.is_canonical(left):
            self.happened(Fault.OLD_BRANCH)
            return Backend(chain, left)
        for fault, most in ((Fault.LAG, _MOST_BEHIND), (Fault.HEAD_BACK, _MOST_BACK)):
            if fault in faults and chain.deepest_reorg:
                self.happened(fault)
                behind = self._rng.randint(1, min(most, chain.deepest_reorg))
                head = chain.at_least(chain.head.number - behind)
                return Backend(chain, head, forgetful=fault is Fault.LAG)
        return chain

    def answers(
        self,
        faults: frozenset[Fault],
        requests: list[Document],
        answers: list[Document],
        chain: SimulatedChain,
    ) -> list[Document]:
        """Return what is told instead of the answers to a request, each changed in place."""
        for request, answer in zip(requests, answers, strict=True):
            if "result" in answer:
                self._change(faults, request, answer, chain)
        if Fault.SMALL_BATCHES in faults and len(requests) > _MOST_CALLS:
            for answer in answers:
                self._refuse(answer, SERVER_ERROR, "too many calls in a batch")
            self.happened(Fault.SMALL_BATCHES)
        if Fault.ERROR in faults and answers:
            self._refuse(self._rng.choice(answers), SERVER_ERROR, "header not found")
            self.happened(Fault.ERROR)
        if Fault.MISSING_ANSWER in faults and len(answers) > 1:
            del answers[self._rng.randrange(len(answers))]
            self.happened(Fault.MISSING_ANSWER)
        if Fault.OUT_OF_ORDER in faults and len(answers) > 1:
            self._rng.shuffle(answers)
            self.happened(Fault.OUT_OF_ORDER)
        return answers

    def _change(
        self, faults: frozenset[Fault], request: Document, answer: Document, chain: SimulatedChain
    ) -> None:
        method, told = request["method"], answer["result"]
        refused = next(
            (one for one in _REFUSALS if one.fault in faults and one.is_of(method, told)), None
        )
        if refused is not None:
            self._refuse(answer, refused.code, refused.message)
            self.happened(refused.fault)
        elif method == "eth_chainId" and Fault.WRONG_CHAIN_ID in faults:
            self._tell(answer, Fault.WRONG_CHAIN_ID, hex(chain.chain_id + 1))
        elif method.startswith("eth_getBlockBy") and Fault.NULL_BLOCK in faults:
            self._tell(answer, Fault.NULL_BLOCK, None)
        elif method in (_BULK, "eth_getTransactionReceipt"):
            self._change_receipts(faults, answer, chain)
        elif method == "eth_getLogs":
            for fault in Fault:
                if fault in faults and fault in _OF_ONE_RECEIPT | {Fault.CUT_LAST_TX}:
                    logs = of_logs(OF_RECEIPTS[fault], _copy(answer["result"]), self._rng)
                    self._lie(answer, fault, logs, {log["blockHash"] for log in told})
        for fault, form in FORMS.items():
            if fault in faults and answer.get("result"):
                self._tell(answer, fault, form(answer["result"]))

    def _change_receipts(
        self, faults: frozenset[Fault], answer: Document, chain: SimulatedChain
    ) -> None:
        """Change the receipts of a block, or the single one of a transaction."""
        told = answer["result"]
        if Fault.NULL_RECEIPTS in faults:
            self._tell(answer, Fault.NULL_RECEIPTS, None)
        single = isinstance(told, dict)
        if Fault.EMPTY_RECEIPTS in faults and answer["result"] and not single:
            self._tell(answer, Fault.EMPTY_RECEIPTS, [])
        if not answer["result"]:
            return
        block_hash = (told if single else told[0])["blockHash"]
        for fault, lie in OF_RECEIPTS.items():
            if fault in faults and (not single or fault in _OF_ONE_RECEIPT):
                receipts = _copy([answer["result"]] if single else answer["result"])
                changed = lie(receipts, self._rng)
                self._lie(answer, fault, changed[0] if single else changed, {block_hash})
        foreign = [] if single else self._receipts_before(block_hash, chain)
        if Fault.FOREIGN_RECEIPTS in faults and foreign:
            self._lie(answer, Fault.FOREIGN_RECEIPTS, foreign, {block_hash})
        elif Fault.FOREIGN_RECEIPT in faults and foreign:
            place = self._rng.randrange(len(answer["result"]))
            changed = [*answer["result"]]
            changed[place] = self._rng.choice(foreign)
            self._lie(answer, Fault.FOREIGN_RECEIPT, changed, {block_hash})

    def _receipts_before(self, block_hash: Hash, chain: SimulatedChain) -> list[Document]:
        block = chain.by_hash(block_hash)
        before = chain.by_hash(block.parent_hash) if block else None
        return [receipt_document(before, mined) for mined in before.receipts] if before else []

    def _lie(self, answer: Document, fault: Fault, told: Any, about: Iterable[Hash]) -> None:
        if answer["result"] != told:
            self.lied_about.update(one for one in about if is_hash(one))
        self._tell(answer, fault, told)

    def _tell(self, answer: Document, fault: Fault, told: Any) -> None:
        if answer["result"] != told:
            answer["result"] = told
            self.happened(fault)

    def _refuse(self, answer: Document, code: int, message: str) -> None:
        answer.pop("result", None)
        answer["error"] = {"code": code, "message": message}

    def _foreign_chain(self, chain: SimulatedChain) -> SimulatedChain:
        if self._foreign is None:
            self._foreign = SimulatedChain(
                f"{chain.seed}/foreign", chain_id=chain.chain_id + 1, transfers=(1, 4), actors=4
            )
            self._foreign.mine(_FOREIGN_BLOCKS)
        return self._foreign


def read_rates(words: Iterable[str]) -> dict[Fault, float]:
    """Return the faults of `NAME[:rate]`; `all` is every one of them. Raises ValueError."""
    rates: dict[Fault, float] = {}
    for word in words:
        name, _, rate = word.partition(":")
        if name != "all" and name not in MEANING:
            raise ValueError(f"no fault {name!r}; there are all, {', '.join(MEANING)}")
        try:
            value = float(rate) if rate else DEFAULT_RATE
        except ValueError as wrong:
            raise ValueError(f"the rate of {name} is 0 to 1, got {rate!r}") from wrong
        rates |= dict.fromkeys(Fault if name == "all" else [Fault(name)], value)
    return rates


def _copy(result: Any) -> Any:
    """Return a result that can be changed; JSON knows no object that stands in two places."""
    return msgspec.json.decode(msgspec.json.encode(result))
