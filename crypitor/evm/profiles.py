"""How the blocks of a chain prove themselves, where they differ from Ethereum's. Pure.

Found by rebuilding blocks, or read in the chain's client, which is then named. What no profile
names follows the plain rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN, CoinLogs
from crypitor.evm.types import Receipt, Transaction

Level: TypeAlias = Literal["off", "logs", "receipts", "settled"]
"""How much is proven; each level finds all that the ones before it find.

off: receipt i belongs to transaction i, and all parts to the block with the header's hash.
logs: log indexes are 0 … n-1 in order, and the logs give the header's bloom.
receipts: log indexes, and the receipts give the header's receiptsRoot, which commits to every log
and so leaves nothing for the bloom to find.
settled: "off" at once; a few blocks later the receipts of all blocks that a header settles give its
receiptsRoot. Only where headers commit to earlier blocks, and there the only one beside "off".
"""

Uncommitted: TypeAlias = Literal["state_sync", "system", "phantom"]
"""What is served as a transaction of a block whose header commits to no receipt of it.

state_sync: Bor's last transaction of a block: untyped, from the zero address to itself. (Since
PIP-74 it has type 0x7f, and is committed to like any other.)
system: transactions whose receipt says cumulativeGasUsed 0, as no other can: HyperEVM's.
phantom: transactions that have no receipt, because they took no effect.
"""

Root: TypeAlias = Literal["trie", "joined", "settled"]
"""What receiptsRoot is.

trie: Ethereum's.
joined: the hash of the receipts' RLP one after the other, without type bytes, each with the gas of
its own transaction: Kaia's.
settled: the trie of the receipts of the earlier blocks that the header settles; so is the bloom:
Avalanche's.
"""

Gas: TypeAlias = Literal["cumulative", "own"]

Indexes: TypeAlias = Literal["block", "transaction"]

_ZERO = "0x" + "00" * 20
_UNTYPED = (None, "0x0")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is particular of one chain.

    strongest: the level that all its blocks are known to pass.
    root: what receiptsRoot is.
    receipt_gas: the gas that a receipt commits to: up to and with its transaction, or its own.
    bloom: whether the header's logsBloom says anything; some chains serve zeros.
    bloom_from: the height from which the bloom has all logs that are served; below it, logs of what
    is not committed to are not in it.
    log_indexes: whether logs are counted through the block, or anew in each transaction.
    uncommitted: what the header does not commit to.
    block_receipt: whether there may be one receipt more than transactions, which the header commits
    to: of calls that the protocol makes; its transactionHash is the block's hash.
    untyped: types whose receipts are encoded untyped, and with the byte 0 where others have their
    status: Arbitrum's 0x78, from before Nitro.
    holes: first and last height of ranges in which blocks may not prove themselves: they are taken
    at the strongest level that they pass.
    withdrawals: whether withdrawalsRoot commits to a list also where that is empty; on other chains
    something else may stand there.
    withdrawn: what withdrawals are counted in, if that is not the chain's own coin.
    coin_logs: who tells the moves of the chain's own coin by logs, if anybody does.
    zero_status: whether receipts of failed transactions may be committed to with the byte 0 for
    their status, where RLP has the empty string: Ganache's.
    zero_parents: whether blocks may have zeros in place of their parent's hash: Hardhat's, those
    that are mined many at once.
    assumed: whether nobody has looked at the chain: it is taken to be as Ethereum is.
    """

    strongest: Level = "receipts"
    root: Root = "trie"
    receipt_gas: Gas = "cumulative"
    bloom: bool = True
    bloom_from: int = 0
    log_indexes: Indexes = "block"
    uncommitted: frozenset[Uncommitted] = frozenset()
    block_receipt: bool = False
    untyped: frozenset[str] = frozenset()
    holes: tuple[tuple[int, int], ...] = ()
    withdrawals: bool = False
    withdrawn: str = ""
    coin_logs: CoinLogs = EIP_7708
    # What follows lets a chain be as Ethereum is: rules that differ in it alone are the same rules.
    zero_status: bool = field(default=False, compare=False)
    zero_parents: bool = field(default=False, compare=False)
    assumed: bool = field(default=False, compare=False)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that make sense here, the weakest first."""
        return ("off", "settled") if self.root == "settled" else ("off", "logs", "receipts")

    @property
    def may_lack_receipts(self) -> bool:
        """Whether there may be transactions that have no receipt, and never get one."""
        return bool(self.holes) or "phantom" in self.uncommitted

    def blooms_at(self, height: int) -> bool:
        """Whether a log that is not in the header's bloom is not in the block."""
        has_one = self.bloom and self.root != "settled" and height >= self.bloom_from
        return has_one and not self.has_hole_at(height)

    def has_hole_at(self, height: int) -> bool:
        """Whether a block of this height may not prove itself."""
        return any(first <= height <= last for first, last in self.holes)

    def committed(
        self, transactions: Sequence[Transaction], receipts: Sequence[Receipt]
    ) -> list[bool]:
        """Return of each receipt whether the header commits to it."""
        if not self.uncommitted:
            return [True] * len(receipts)
        gasless = not self.uncommitted.isdisjoint({"system", "phantom"})
        found = [not (gasless and int(one.cumulative_gas_used, 16) == 0) for one in receipts]
        if (
            receipts
            and "state_sync" in self.uncommitted
            and _is_state_sync(transactions[-1], receipts[-1])
        ):
            found[-1] = False
        return found


def _is_state_sync(transaction: Transaction, receipt: Receipt) -> bool:
    return (
        receipt.type in _UNTYPED
        and transaction.sender == _ZERO == transaction.to
        and int(transaction.value, 16) == 0
    )


PLAIN = Profile()

DEVELOPMENT_CHAINS = frozenset({1337, 31337})
"""Chain ids of ganache and geth --dev, of hardhat and anvil: chains that begin at each start."""

_ASSUMED = Profile(assumed=True)
_DEVELOPMENT = Profile(zero_status=True, zero_parents=True, assumed=True)
_NO_BLOOM = Profile("off", bloom=False)
_UNKNOWN = Profile("logs")
_BEACON = Profile(withdrawals=True)
_GNOSIS = Profile(withdrawals=True, withdrawn="mGNO")  # paid in GNO by a contract, 32 mGNO each
_ZKSYNC = Profile("off", bloom=False, coin_logs=ZKSYNC_COIN)
_STATE_SYNC: frozenset[Uncommitted] = frozenset({"state_sync"})
LAST_HEIGHT = 2**63 - 1
"""The greatest height that the database can hold."""

_NEVER = LAST_HEIGHT

# "off", avalanche and mumbai: of each a block is recorded whose receipts are not all of it, which
# the header shows and nothing can mend.
_SETTLED = Profile("settled", root="settled", bloom=False)

# hl-node and its archive, nanoreth ("hl_node_compliance"): the logs of system transactions are in
# no bloom.
_HYPEREVM = Profile(uncommitted=frozenset({"system"}), bloom_from=_NEVER)

_KAIA = Profile(root="joined", receipt_gas="own")

# "off", others: the header's bloom is zero, or not to be relied on; or the root is another's.
# "logs": nobody has shown yet that the plain root holds, or it is known that it does not.
_PROFILES = {
    1: _BEACON,  # Ethereum
    # Cronos: transactions without effect, and logs of reverted ones in the bloom, until Ethermint
    # was mended; subsquid's evm-rpc holds that for all blocks below 20,000,000.
    25: Profile("logs", holes=((0, 19_999_999),)),
    40: _NO_BLOOM,  # Telos
    100: _GNOSIS,  # Gnosis
    109: Profile(uncommitted=_STATE_SYNC, bloom_from=_NEVER),  # Shibarium, a Bor
    122: _UNKNOWN,  # Fuse
    # Polygon: PIP-74 holds since Madhugiri, block 80,084,800 (bor v2.5.0's notes).
    137: Profile(uncommitted=_STATE_SYNC, bloom_from=80_084_800, coin_logs=BOR_COIN),
    232: _ZKSYNC,  # Lens
    250: _NO_BLOOM,  # Fantom
    300: _ZKSYNC,  # ZKsync's Sepolia
    324: _ZKSYNC,  # ZKsync
    988: Profile("logs", log_indexes="transaction"),  # Stable: only its testnet's are recorded
    998: _HYPEREVM,  # its testnet
    999: _HYPEREVM,
    1001: _KAIA,  # its testnet, Kairos
    1284: _UNKNOWN,  # Moonbeam
    1285: _UNKNOWN,  # Moonriver
    1329: _UNKNOWN,  # Sei: the root is CometBFT's hash of results (sei-chain, August 2026)
    1337: _DEVELOPMENT,
    2020: _UNKNOWN,  # Ronin
    2201: Profile(log_indexes="transaction"),  # Stable's testnet: two blocks of 2026 are recorded
    2741: _ZKSYNC,  # Abstract
    4326: _UNKNOWN,  # MegaETH
    5000: _UNKNOWN,  # Mantle
    8217: _KAIA,  # kaia 2.2.1, derivesha/concat.go; governance may choose another root
    9745: _UNKNOWN,  # Plasma
    10200: _GNOSIS,  # Gnosis' Chiado
    17000: _BEACON,  # Holesky
    31337: _DEVELOPMENT,
    42161: Profile(untyped=frozenset({"0x78"})),  # Arbitrum One
    # Celo: before its move one receipt is of the block; since then receipts of type 0x7b commit to
    # a base fee that many nodes do not serve (celo-org/op-geth).
    42220: Profile("logs", block_receipt=True),
    43111: _UNKNOWN,  # Hemi: an OP stack with types of its own
    43113: _SETTLED,  # Avalanche's Fuji
    43114: _SETTLED,  # Avalanche since Helicon: ACP-194; avalanchego 1.15.0
    50104: _ZKSYNC,  # Sophon
    59144: _UNKNOWN,  # Linea
    80001: Profile(  # Polygon's Mumbai
        "off", uncommitted=_STATE_SYNC, bloom_from=_NEVER, coin_logs=BOR_COIN
    ),
    # Amoy: MadhugiriPro's block is published (29,287,400), at which PIP-74 held already.
    80002: Profile(uncommitted=_STATE_SYNC, bloom_from=29_287_400, coin_logs=BOR_COIN),
    81457: _UNKNOWN,  # Blast
    167000: _UNKNOWN,  # Taiko
    560048: _BEACON,  # Hoodi
    11155111: _BEACON,  # Sepolia
    1313161554: _NO_BLOOM,  # Aurora
    1666600000: _UNKNOWN,  # Harmony
}


_PLAIN_CHAINS = frozenset(
    {
        10, 56, 97, 130, 143, 146, 204, 480, 1868, 8453, 57073, 80094, 84532, 534352, 747474,
    }
)  # fmt: skip
"""Chains that were looked at and follow the plain rule: those with a preset that are not above."""


def profile_of(chain_id: int) -> Profile:
    """Return the profile of a chain; the plain one, as assumed, for those that are not known."""
    known = PLAIN if chain_id in _PLAIN_CHAINS else _ASSUMED
    return _PROFILES.get(chain_id, known)
