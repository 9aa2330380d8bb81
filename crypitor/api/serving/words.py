"""The words of matches and of what is told, as lists take them and answers have them.

They stand here once: what one list can be asked for, the others can be too. A test holds them
against what is stored.
"""

from typing import Literal, TypeAlias

KindWord: TypeAlias = Literal[
    "native",
    "internal",
    "erc20",
    "erc721",
    "erc1155",
    "event",
    "call",
    "deployment",
    "transaction",
    "withdrawal",
    "delegation",
    "balance",
    "view",
]
PhaseWord: TypeAlias = Literal["detected", "confirmed", "ended", "reverted"]
TypeWord: TypeAlias = Literal[
    "match.detected",
    "match.confirmed",
    "match.ended",
    "match.reverted",
    "endpoint.failing",
    "endpoint.disabled",
    "endpoint.moved",
]
StatusWord: TypeAlias = Literal["waiting", "pending", "delivered", "counted", "failed", "cancelled"]
