"""How the blocks of a chain prove themselves, where they differ from Ethereum's. Pure.

Found by rebuilding recorded blocks. What no profile names follows the plain rule.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN, CoinLogs
from crypitor.evm.types import Receipt, Transaction

Level: TypeAlias = Literal["off", "logs", "receipts"]
"""How much is proven; each level finds all that the ones before it find.

off: receipt i belongs to transaction i, and all parts to the block with the header's hash.
logs: log indexes are 0 … n-1 in order, and the logs give the header's bloom.
receipts: log indexes, and the receipts give the header's receiptsRoot, which commits to every log
and so leaves nothing for the bloom to find.
"""

_ZERO = "0x" + "00" * 20
_UNTYPED = (None, "0x0")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is particular of one chain.

    strongest: the level that all its blocks are known to pass.
    bloom: whether the header's logsBloom says anything; some chains serve zeros.
    state_sync: whether nodes add Bor's state-sync transaction as the last one of a block: untyped,
    from the zero address to itself. The header commits to neither it nor its logs. (Since PIP-74
    it has type 0x7f, and is committed to like any other.)
    post_state_types: types whose receipts are encoded untyped, and with the byte 0 where others
    have their status: Arbitrum's 0x78, from before Nitro.
    withdrawals: whether withdrawalsRoot commits to a list also where that is empty; on other chains
    something else may stand there.
    withdrawn: what withdrawals are counted in, if that is not the chain's own coin.
    coin_logs: who tells the moves of the chain's own coin by logs, if anybody does.
    """

    strongest: Level = "receipts"
    bloom: bool = True
    state_sync: bool = False
    post_state_types: frozenset[str] = frozenset()
    withdrawals: bool = False
    withdrawn: str = ""
    coin_logs: CoinLogs = EIP_7708

    def is_committed(self, transaction: Transaction, receipt: Receipt) -> bool:
        """Whether the header commits to what is served as the last transaction of its block."""
        return not (
            self.state_sync
            and receipt.type in _UNTYPED
            and transaction.sender == _ZERO == transaction.to
            and int(transaction.value, 16) == 0
        )


PLAIN = Profile()

_NO_BLOOM = Profile("off", bloom=False)
_UNKNOWN = Profile("logs")
_BEACON = Profile(withdrawals=True)
_GNOSIS = Profile(withdrawals=True, withdrawn="mGNO")  # paid in GNO by a contract, 32 mGNO each
_BOR = Profile(state_sync=True, coin_logs=BOR_COIN)
_ZKSYNC = Profile("off", bloom=False, coin_logs=ZKSYNC_COIN)

# "off", avalanche and mumbai: of each a block is recorded whose receipts are not all of it, which
# the header shows and nothing can mend.
# "off", others: the header's bloom is zero, or the root is not the receipts'.
# "logs": nobody has shown yet that the plain root holds.
_PROFILES = {
    1: _BEACON,  # Ethereum
    25: _UNKNOWN,  # Cronos
    40: _NO_BLOOM,  # Telos
    100: _GNOSIS,  # Gnosis
    122: _UNKNOWN,  # Fuse
    137: _BOR,  # Polygon
    232: _ZKSYNC,  # Lens
    250: _NO_BLOOM,  # Fantom
    300: _ZKSYNC,  # ZKsync's Sepolia
    324: _ZKSYNC,  # ZKsync
    1284: _UNKNOWN,  # Moonbeam
    1285: _UNKNOWN,  # Moonriver
    2741: _ZKSYNC,  # Abstract
    5000: _UNKNOWN,  # Mantle
    8217: _UNKNOWN,  # Kaia
    10200: _GNOSIS,  # Gnosis' Chiado
    17000: _BEACON,  # Holesky
    42161: Profile(post_state_types=frozenset({"0x78"})),  # Arbitrum One
    42220: _UNKNOWN,  # Celo
    43114: Profile("off"),  # Avalanche
    50104: _ZKSYNC,  # Sophon
    59144: _UNKNOWN,  # Linea
    80001: Profile("off", state_sync=True, coin_logs=BOR_COIN),  # Polygon's Mumbai
    80002: _BOR,  # Polygon's Amoy
    81457: _UNKNOWN,  # Blast
    560048: _BEACON,  # Hoodi
    11155111: _BEACON,  # Sepolia
    1313161554: _NO_BLOOM,  # Aurora
    1666600000: _UNKNOWN,  # Harmony
}


def profile_of(chain_id: int) -> Profile:
    """Return the profile of a chain; the plain one for those that are not known."""
    return _PROFILES.get(chain_id, PLAIN)
