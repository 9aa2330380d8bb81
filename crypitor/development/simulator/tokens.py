"""Token contracts: calldata, events and movements of each of their functions.

Sources: EIP-20, EIP-721, EIP-1155; OpenZeppelin's contracts for mint and burn; WETH9 for deposit.
Every actor holds more of each fungible token at genesis than it can ever spend.
"""

from dataclasses import dataclass

from crypitor.development.simulator import abi
from crypitor.development.simulator.calls import Call, Event, Movement, OwnerChange
from crypitor.evm.address import ZERO_ADDRESS
from crypitor.evm.types import Address

TRANSFER = "Transfer(address,address,uint256)"
APPROVAL = "Approval(address,address,uint256)"
TRANSFER_SINGLE = "TransferSingle(address,address,address,uint256,uint256)"
TRANSFER_BATCH = "TransferBatch(address,address,address,uint256[],uint256[])"


def erc20_event(token: Address, source: Address, target: Address, amount: int) -> Event:
    """Return a Transfer of any ERC-20 token."""
    topics = (abi.topic(TRANSFER), abi.word(source), abi.word(target))
    movement = Movement("erc20", source, target, amount, token)
    return Event(token, topics, abi.word(amount), (movement,))


@dataclass(frozen=True, slots=True)
class Token:
    """A token contract that stands in the genesis block."""

    address: Address

    def metadata(self) -> dict[bytes, bytes]:
        """Return selector → returned bytes of the views that it has."""
        return {}


@dataclass(frozen=True, slots=True)
class NamedToken(Token):
    """A token with a name and a symbol."""

    name: str
    symbol: str

    def metadata(self) -> dict[bytes, bytes]:
        """Return name and symbol."""
        return {
            abi.selector("name()"): abi.text(self.name),
            abi.selector("symbol()"): abi.text(self.symbol),
        }


@dataclass(frozen=True, slots=True)
class Erc20(NamedToken):
    """bytes32: name() and symbol() return bytes32, as MKR's do."""

    decimals: int
    bytes32: bool = False

    def metadata(self) -> dict[bytes, bytes]:
        """Return name, symbol and decimals."""
        returned = abi.bytes32 if self.bytes32 else abi.text
        return {
            abi.selector("name()"): returned(self.name),
            abi.selector("symbol()"): returned(self.symbol),
            abi.selector("decimals()"): abi.word(self.decimals),
        }

    def moved(self, source: Address, target: Address, amount: int) -> Event:
        """Return the Transfer that every movement emits."""
        return erc20_event(self.address, source, target, amount)

    def transfer(self, owner: Address, target: Address, amount: int) -> Call:
        """Move the caller's tokens."""
        data = abi.call("transfer(address,uint256)", target, amount)
        return Call(self.address, data, (self.moved(owner, target, amount),))

    def transfer_from(self, owner: Address, target: Address, amount: int) -> Call:
        """Move tokens of somebody who approved the caller."""
        data = abi.call("transferFrom(address,address,uint256)", owner, target, amount)
        return Call(self.address, data, (self.moved(owner, target, amount),))

    def mint(self, target: Address, amount: int) -> Call:
        """Create tokens: a Transfer from the zero address."""
        data = abi.call("mint(address,uint256)", target, amount)
        return Call(self.address, data, (self.moved(ZERO_ADDRESS, target, amount),))

    def burn(self, owner: Address, amount: int) -> Call:
        """Destroy the caller's tokens: a Transfer to the zero address."""
        data = abi.call("burn(uint256)", amount)
        return Call(self.address, data, (self.moved(owner, ZERO_ADDRESS, amount),))

    def approve(self, owner: Address, spender: Address, amount: int) -> Call:
        """Emit Approval, which looks like Transfer but for its first topic."""
        data = abi.call("approve(address,uint256)", spender, amount)
        topics = (abi.topic(APPROVAL), abi.word(owner), abi.word(spender))
        return Call(self.address, data, (Event(self.address, topics, abi.word(amount)),))

    def deposit(self, owner: Address, value: int) -> Call:
        """Wrap the chain's coin: moves it natively and emits Deposit, but no Transfer."""
        topics = (abi.topic("Deposit(address,uint256)"), abi.word(owner))
        event = Event(self.address, topics, abi.word(value))
        return Call(self.address, abi.call("deposit()"), (event,), value=value)


@dataclass(frozen=True, slots=True)
class Erc721(NamedToken):
    """Tokens with one owner each."""

    def transfer_from(self, owner: Address, target: Address, token_id: int) -> Call:
        """Emits the Approval to nobody that early implementations put before the Transfer."""
        data = abi.call("transferFrom(address,address,uint256)", owner, target, token_id)
        topics = (
            abi.topic(APPROVAL),
            abi.word(owner),
            abi.word(ZERO_ADDRESS),
            abi.word(token_id),
        )
        return self._move(data, owner, target, token_id, Event(self.address, topics, b""))

    def mint(self, target: Address, token_id: int) -> Call:
        """Create a token; `token_id` must not have an owner."""
        data = abi.call("safeMint(address,uint256)", target, token_id)
        return self._move(data, ZERO_ADDRESS, target, token_id)

    def burn(self, owner: Address, token_id: int) -> Call:
        """Destroy a token of `owner`."""
        data = abi.call("burn(uint256)", token_id)
        return self._move(data, owner, ZERO_ADDRESS, token_id)

    def _move(
        self, data: bytes, source: Address, target: Address, token_id: int, *before: Event
    ) -> Call:
        topics = (
            abi.topic(TRANSFER),
            abi.word(source),
            abi.word(target),
            abi.word(token_id),
        )
        movement = Movement("erc721", source, target, 1, self.address, token_id)
        event = Event(self.address, topics, b"", (movement,))
        change = OwnerChange(self.address, token_id, source, target)
        return Call(self.address, data, (*before, event), owner_changes=(change,))


@dataclass(frozen=True, slots=True)
class Erc1155(Token):
    """Many tokens in one contract, any amount of each."""

    def transfer(
        self, operator: Address, source: Address, target: Address, token_id: int, amount: int
    ) -> Call:
        """Move one kind of token; the operator is the caller."""
        signature = "safeTransferFrom(address,address,uint256,uint256,bytes)"
        data = abi.call(signature, source, target, token_id, amount, b"")
        return Call(self.address, data, (self._single(operator, source, target, token_id, amount),))

    def transfer_batch(
        self, operator: Address, source: Address, target: Address, items: list[tuple[int, int]]
    ) -> Call:
        """items: token id and amount of each; may be empty, and an id may occur twice."""
        ids, amounts = [each for each, _ in items], [amount for _, amount in items]
        signature = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"
        data = abi.call(signature, source, target, ids, amounts, b"")
        topics = (abi.topic(TRANSFER_BATCH), *map(abi.word, (operator, source, target)))
        movements = tuple(
            Movement("erc1155", source, target, amount, self.address, token_id, item)
            for item, (token_id, amount) in enumerate(items)
        )
        event = Event(self.address, topics, abi.encode(ids, amounts), movements)
        return Call(self.address, data, (event,))

    def mint(self, operator: Address, target: Address, token_id: int, amount: int) -> Call:
        """Create tokens: a TransferSingle from the zero address."""
        data = abi.call("mint(address,uint256,uint256,bytes)", target, token_id, amount, b"")
        event = self._single(operator, ZERO_ADDRESS, target, token_id, amount)
        return Call(self.address, data, (event,))

    def burn(self, owner: Address, token_id: int, amount: int) -> Call:
        """Destroy the caller's tokens: a TransferSingle to the zero address."""
        data = abi.call("burn(address,uint256,uint256)", owner, token_id, amount)
        event = self._single(owner, owner, ZERO_ADDRESS, token_id, amount)
        return Call(self.address, data, (event,))

    def _single(
        self, operator: Address, source: Address, target: Address, token_id: int, amount: int
    ) -> Event:
        topics = (abi.topic(TRANSFER_SINGLE), *map(abi.word, (operator, source, target)))
        movement = Movement("erc1155", source, target, amount, self.address, token_id)
        return Event(self.address, topics, abi.encode(token_id, amount), (movement,))
