"""What a new monitor may begin with: what is watched most often, as rules to fill in. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rule = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Beginning:
    """A question that others had. anybody: it is of no address. fills: what is left to say."""

    title: str
    rules: Sequence[Rule]
    fills: str
    anybody: bool = False

    def fields(self) -> dict[str, str]:
        """Return the fields of the form that it fills in."""
        filled = {
            f"rule-{place}-{name}": "on" if value is True else str(value)
            for place, rule in enumerate(self.rules)
            for name, value in rule.items()
        }
        return filled | ({"any": "on"} if self.anybody else {})


BEGINNINGS: Mapping[str, Beginning] = {
    "wallets": Beginning(
        "All that wallets receive and send",
        [{"kind": kind} for kind in ("native", "erc20", "erc721", "erc1155")],
        "the wallets' addresses",
    ),
    "large": Beginning(
        "Large transfers of a token",
        [{"kind": "erc20", "direction": "in", "where": "amount >= 1_000_000"}],
        "the token's contract, and what is large",
        anybody=True,
    ),
    "dry": Beginning(
        "A wallet that runs dry",
        [{"kind": "balance", "where": "balance < 1 ether", "rearm": "balance > 2 ether"}],
        "the wallet's address, and the limits",
    ),
    "approvals": Beginning(
        "Who may spend a wallet's tokens",
        [
            {
                "kind": "event",
                "signature": "Approval(address indexed owner, address indexed spender,"
                " uint256 value)",
                "where": "watched(args.owner)",
            }
        ],
        "the wallets' addresses",
    ),
    "owner": Beginning(
        "A contract that changes hands",
        [
            {
                "kind": "event",
                "signature": "OwnershipTransferred(address indexed previousOwner,"
                " address indexed newOwner)",
            }
        ],
        "the contract",
        anybody=True,
    ),
    "calls": Beginning(
        "Calls of a contract's function",
        [{"kind": "call", "signature": "transfer(address to, uint256 amount)"}],
        "the contract, and the function",
        anybody=True,
    ),
}
