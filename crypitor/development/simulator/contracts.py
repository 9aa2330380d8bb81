"""The contracts that are not tokens, and all contracts of a chain together."""

from dataclasses import dataclass

from crypitor.development.simulator import abi
from crypitor.development.simulator.calls import Call, Event
from crypitor.development.simulator.payments import Payer
from crypitor.development.simulator.tokens import (
    TRANSFER,
    Erc20,
    Erc721,
    Erc1155,
    Token,
    erc20_event,
)
from crypitor.evm.address import ZERO_ADDRESS
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address

_SWAP = "Swap(address,uint256,uint256,uint256,uint256,address)"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Trades one token for another: two Transfers and a Swap in one transaction."""

    address: Address

    def swap(self, trader: Address, sold: Erc20, bought: Erc20, paid: int, received: int) -> Call:
        """Pay `paid` of one token, receive `received` of another."""
        signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
        path = [sold.address, bought.address]
        data = abi.call(signature, paid, received, path, trader, 2**32)
        topics = (abi.topic(_SWAP), abi.word(trader), abi.word(trader))
        events = (
            sold.moved(trader, self.address, paid),
            bought.moved(self.address, trader, received),
            Event(self.address, topics, abi.encode(paid, 0, 0, received)),
        )
        return Call(self.address, data, events)


@dataclass(frozen=True, slots=True)
class Disperser:
    """Sends one token to many receivers in one transaction."""

    address: Address

    def disperse(self, owner: Address, token: Erc20, parts: list[tuple[Address, int]]) -> Call:
        """Send each receiver its amount."""
        targets, amounts = [target for target, _ in parts], [amount for _, amount in parts]
        signature = "disperseToken(address,address[],uint256[])"
        data = abi.call(signature, token.address, targets, amounts)
        return Call(self.address, data, tuple(token.moved(owner, *part) for part in parts))


@dataclass(frozen=True, slots=True)
class Kitties:
    """Emits a Transfer without indexed arguments, as CryptoKitties does; it is no ERC-721 token."""

    address: Address

    def transfer(self, owner: Address, target: Address, token_id: int) -> Call:
        """Give a kitten away."""
        data = abi.call("transfer(address,uint256)", target, token_id)
        topics = (abi.topic(TRANSFER),)
        return Call(
            self.address, data, (Event(self.address, topics, abi.encode(owner, target, token_id)),)
        )


@dataclass(frozen=True, slots=True)
class Beacon:
    """Emits logs without any topic, as anonymous events are."""

    address: Address

    def ping(self, message: bytes) -> Call:
        """Emit the message."""
        return Call(
            self.address, abi.call("ping(bytes)", message), (Event(self.address, (), message),)
        )


@dataclass(frozen=True, slots=True)
class Contracts:
    """Everything that is deployed in the genesis block."""

    erc20: tuple[Erc20, ...]
    wrapped: Erc20
    erc721: tuple[Erc721, ...]
    erc1155: tuple[Erc1155, ...]
    exchange: Exchange
    disperser: Disperser
    payer: Payer
    kitties: Kitties
    beacon: Beacon

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token contract."""
        return (*self.erc20, *self.erc721, *self.erc1155)


def deployed(seed: str) -> Contracts:
    """Return the contracts of a chain; their addresses follow from its seed."""

    def at(name: str) -> Address:
        return "0x" + keccak(f"{seed}/contract/{name}".encode())[12:].hex()

    wrapped = Erc20(at("WSIM"), "Wrapped Sim", "WSIM", 18)
    return Contracts(
        erc20=(
            Erc20(at("USDS"), "Sim Dollar", "USDS", 6),
            Erc20(at("EURS"), "Sim Euro ₮", "EUR₮", 2),
            Erc20(at("SAU"), "Sim Gold", "SAU", 18, bytes32=True),
            Erc20(at("TIX"), "Sim Ticket", "TIX", 0),
            Erc20(at("DUST"), "Sim Dust", "DUST", 24),
            wrapped,
        ),
        wrapped=wrapped,
        erc721=(
            Erc721(at("PUNK"), "Sim Punks", "SPUNK"),
            Erc721(at("LAND"), "Sim Land", "SLAND"),
        ),
        erc1155=(Erc1155(at("ITEMS")), Erc1155(at("CARDS"))),
        exchange=Exchange(at("exchange")),
        disperser=Disperser(at("disperser")),
        payer=Payer(at("payer"), at("library"), at("refuser")),
        kitties=Kitties(at("kitties")),
        beacon=Beacon(at("beacon")),
    )


def empty_creation(created: Address, owner: Address, code: bytes, value: int) -> Call:
    """Create a contract that notes its owner, and give it `value` wei."""
    topics = (
        abi.topic("OwnershipTransferred(address,address)"),
        abi.word(ZERO_ADDRESS),
        abi.word(owner),
    )
    return Call(None, code, (Event(created, topics, b""),), value=value)


def token_creation(created: Address, owner: Address, code: bytes, supply: int) -> Call:
    """Create an ERC-20 token without metadata, whose whole supply goes to its owner."""
    return Call(None, code, (erc20_event(created, ZERO_ADDRESS, owner, supply),))
