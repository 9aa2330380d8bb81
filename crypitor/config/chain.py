"""What the file may say of how a chain's blocks prove themselves, over what is known of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from crypitor.evm.coins import COINS, CoinName
from crypitor.evm.profiles import LAST_HEIGHT, Gas, Indexes, Level, Profile, Root, Uncommitted

_Type = Annotated[str, Field(pattern=r"^0x[1-9a-f][0-9a-f]?$")]
_Heights = Annotated[str, Field(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$")]


class ChainRules(BaseModel):
    """The keys of a network that change its chain's profile; None for what is known of the chain.

    holes: "FIRST-LAST".
    """

    root: Root | None = None
    receipt_gas: Gas | None = None
    bloom: bool | None = None
    bloom_from: int | None = Field(default=None, ge=0, le=LAST_HEIGHT)
    log_indexes: Indexes | None = None
    uncommitted: tuple[Uncommitted, ...] | None = None
    block_receipt: bool | None = None
    untyped: tuple[_Type, ...] | None = None
    holes: tuple[_Heights, ...] | None = None
    coin_logs: CoinName | None = None

    def over(self, known: Profile) -> Profile:
        """Return what is known of a chain, with what is said here in its place."""
        said: dict[str, object] = {
            name: frozenset(value) if name in {"uncommitted", "untyped"} else value
            for name in ChainRules.model_fields
            if name not in {"holes", "coin_logs"} and (value := getattr(self, name)) is not None
        }
        if self.holes is not None:
            said["holes"] = tuple(map(_range, self.holes))
        if self.coin_logs is not None:
            said["coin_logs"] = COINS[self.coin_logs]
        changed = replace(known, **said)  # type: ignore[arg-type]  # checked by the model
        return replace(changed, strongest=_strongest(known, changed))

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Yield key and problem of what cannot be meant."""
        for first, last in map(_range, self.holes or ()):
            if first > last:
                yield "holes", f"{first}-{last} ends before it begins"


def level_problem(level: Level, profile: Profile) -> str | None:
    """Return why blocks of a chain cannot be proven so; None if they can."""
    if level in profile.levels:
        return None
    choice = " or ".join(f'"{each}"' for each in reversed(profile.levels))
    if profile.root == "settled":
        return (
            f'"{level}" cannot hold: the root and the bloom of this chain\'s headers are of earlier'
            f" blocks, which they settle; use {choice}"
        )
    return f'"{level}" is for chains whose headers settle earlier blocks; use {choice}'


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)


def _strongest(known: Profile, changed: Profile) -> Level:
    """Return the level to ask for: who says what the root is, says that it holds."""
    if changed.root == known.root:
        return known.strongest
    return "settled" if changed.root == "settled" else "receipts"
