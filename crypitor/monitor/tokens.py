"""Tokens of which is known what they say of themselves, in memory. Pure."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crypitor.evm.metadata import Token
from crypitor.evm.types import Address

MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found. good_until: unix milliseconds, None while it is being looked up again."""

    token: Token
    good_until: int | None


class Tokens:
    """The tokens used last, at most `most` of them; about 400 bytes each."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, Address], Kept] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def known(self, network: str, contracts: Iterable[Address], now: int) -> dict[Address, Token]:
        """Return those of these contracts of which there is news young enough."""
        found = {}
        for contract in contracts:
            kept = self._kept.get((network, contract))
            if kept is not None and kept.good_until is not None and now < kept.good_until:
                self._kept.move_to_end((network, contract))
                found[contract] = kept.token
        return found

    def keep(self, network: str, found: Mapping[Address, Kept]) -> None:
        """Remember what the database said."""
        for contract, kept in found.items():
            if kept.good_until is not None:
                self._kept[network, contract] = kept
                self._kept.move_to_end((network, contract))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
