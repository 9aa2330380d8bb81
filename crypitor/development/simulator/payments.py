"""A contract that pays in the chain's own coin: what moves within a transaction, in every way.

Sources: EIP-1014 (CREATE2), EIP-6780 (SELFDESTRUCT in the transaction of the creation), EIP-7708
(logs of the coin); matter-labs/era-contracts, L2BaseToken.sol and bootloader.yul; 0xPolygon/bor,
core/bor_fee_log.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crypitor.development.simulator import abi
from crypitor.development.simulator.calls import Call, Event, InnerCall, Movement
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.transactions import created_address
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address

IDENTITY: Address = "0x" + "0" * 39 + "4"
"""The precompiled contract that returns what it is given."""

BOOTLOADER: Address = "0x0000000000000000000000000000000000008001"
"""Who takes fees on ZKsync, and gives back what was too much of them."""

_EIP_7708_COIN: Address = "0xfffffffffffffffffffffffffffffffffffffffe"
_ZKSYNC_COIN: Address = "0x000000000000000000000000000000000000800a"
_BOR_COIN: Address = "0x0000000000000000000000000000000000001010"


@dataclass(frozen=True, slots=True)
class Payer:
    """library: code that it runs as its own.  refuser: a contract that takes no payment."""

    address: Address
    library: Address
    refuser: Address

    def pay_each(self, owner: Address, parts: list[tuple[Address, int]]) -> Call:
        """Pay each receiver; what the refuser was to get goes back to the owner at the end.

        The refuser passes the payment on before it fails, and both are undone.
        """
        targets, amounts = [target for target, _ in parts], [amount for _, amount in parts]
        refused = sum(amount for target, amount in parts if target == self.refuser)
        inner = [self._copy(), *(self._payment(owner, *part) for part in parts)]
        movements = [
            Movement("internal", self.address, target, amount)
            for target, amount in parts
            if amount and target != self.refuser
        ]
        if refused:
            inner.append(InnerCall("CALL", self.address, owner, refused))
            movements.append(Movement("internal", self.address, owner, refused))
        data = abi.call("payEach(address[],uint256[])", targets, amounts)
        return self._call(data, sum(amounts), inner, movements)

    def pay_by_library(self, target: Address, amount: int) -> Call:
        """Pay by code of another contract, which asks a third and moves nothing itself."""
        asks = InnerCall("STATICCALL", self.address, self.refuser)
        pays = InnerCall("CALL", self.address, target, amount)
        runs = InnerCall(
            "DELEGATECALL", self.address, self.library, amount, b"\x01", calls=(asks, pays)
        )
        runs_old = InnerCall("CALLCODE", self.address, self.library, 1, b"\x02")
        data = abi.call("payByLibrary(address)", target)
        return self._call(
            data,
            amount,
            [runs_old, runs],
            [Movement("internal", self.address, target, amount)],
        )

    def pay_by_contract(self, target: Address, amount: int, salt: int) -> Call:
        """Create a contract with the payment, which hands all it has to the receiver and ends."""
        code = bytes.fromhex(f"73{target[2:]}ff")
        created = _created2(self.address, salt, code)
        ends = InnerCall("SELFDESTRUCT", created, target, amount)
        creates = InnerCall("CREATE2", self.address, created, amount, code, calls=(ends,))
        movements = [
            Movement("internal", self.address, created, amount),
            Movement("internal", created, target, amount),
        ]
        data = abi.call("payByContract(address,uint256)", target, salt)
        return self._call(data, amount, [creates], movements)

    def endow(self, nonce: int, amount: int) -> Call:
        """Create an empty contract that owns the payment; first try one that fails."""
        failed, created = (created_address(self.address, nonce + each) for each in (0, 1))
        inner = [
            InnerCall("CREATE", self.address, failed, amount, b"\xfe", reverts=True),
            InnerCall("CREATE", self.address, created, amount),
        ]
        movement = Movement("internal", self.address, created, amount)
        return self._call(abi.call("endow()"), amount, inner, [movement])

    def _call(
        self, data: bytes, value: int, inner: list[InnerCall], movements: list[Movement]
    ) -> Call:
        numbered = tuple(replace(each, item=item) for item, each in enumerate(movements))
        return Call(self.address, data, value=value, inner_calls=tuple(inner), internal=numbered)

    def _copy(self) -> InnerCall:
        return InnerCall("CALL", self.address, IDENTITY, data=b"\x03")

    def _payment(self, owner: Address, target: Address, amount: int) -> InnerCall:
        if target != self.refuser:
            return InnerCall("CALL", self.address, target, amount)
        passes_on = InnerCall("CALL", target, owner, amount)
        return InnerCall("CALL", self.address, target, amount, calls=(passes_on,), reverts=True)


def coin_events(
    moved: Sequence[Movement], fee: Movement, quirks: frozenset[Quirk]
) -> tuple[Event, ...]:
    """Return the logs that tell moves of the coin from one account to another.

    moved: the transaction's own value first.  fee: what it pays for all of its gas.
    """
    between = [one for one in moved if one.from_address != one.to_address]
    told: list[Event] = []
    if Quirk.COIN_LOGS in quirks:
        told += [_transfer(_EIP_7708_COIN, one) for one in between]
    if Quirk.ZKSYNC_COIN in quirks:
        back = Movement("native", fee.to_address, fee.from_address, fee.amount // 3)
        told += [_transfer(_ZKSYNC_COIN, one) for one in (fee, *between, back)]
    if Quirk.BOR_COIN in quirks:
        told += [_log_transfer(one) for one in between]
    return tuple(told)


def _transfer(coin: Address, moved: Movement) -> Event:
    topics = (
        abi.topic("Transfer(address,address,uint256)"),
        abi.word(moved.from_address),
        abi.word(moved.to_address),
    )
    return Event(coin, topics, abi.word(moved.amount))


def _log_transfer(moved: Movement) -> Event:
    """Return the log of Bor, with all balances before and after, which nobody reads, as zero."""
    topics = (
        abi.topic("LogTransfer(address,address,address,uint256,uint256,uint256,uint256,uint256)"),
        abi.word(_BOR_COIN),
        abi.word(moved.from_address),
        abi.word(moved.to_address),
    )
    return Event(_BOR_COIN, topics, b"".join(map(abi.word, (moved.amount, 0, 0, 0, 0))))


def _created2(creator: Address, salt: int, code: bytes) -> Address:
    seed = b"\xff" + bytes.fromhex(creator[2:]) + abi.word(salt) + keccak(code)
    return "0x" + keccak(seed)[12:].hex()
