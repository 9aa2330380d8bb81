"""What is known of well-known networks: their name and a node's URL are enough to follow one."""

from dataclasses import dataclass
from typing import Literal

from crypitor.evm.profiles import Level, profile_of


def free_traces(chain_id: int) -> Literal["off", "logs"]:
    """Return "logs" for a chain whose own logs tell every move of its coin, else "off"."""
    return "off" if profile_of(chain_id).coin_logs.since is None else "logs"


@dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of one network.

    title: as people write it. explorer: URL without a slash at its end; `/tx/`, `/address/` and
    `/block/` follow. confirmations, max_reorg_depth: blocks.
    """

    chain_id: int
    title: str
    native_symbol: str
    explorer: str
    confirmations: int = 50
    max_reorg_depth: int = 64
    native_decimals: int = 18

    @property
    def verify(self) -> Level:
        """The strongest proof that blocks of this network are known to pass."""
        return profile_of(self.chain_id).strongest

    @property
    def traces(self) -> Literal["off", "logs"]:
        """How its internal transfers are found at no cost, if they can be."""
        return free_traces(self.chain_id)


# max_reorg_depth: Polygon had a reorg of 157 blocks; fast chains count more blocks in a minute.
PRESETS = {
    "ethereum": Preset(1, "Ethereum", "ETH", "https://etherscan.io", 12, 64),
    "sepolia": Preset(11155111, "Sepolia", "ETH", "https://sepolia.etherscan.io", 12, 64),
    "bsc": Preset(56, "BNB Smart Chain", "BNB", "https://bscscan.com", 18, 64),
    "polygon": Preset(137, "Polygon", "POL", "https://polygonscan.com", 50, 256),
    "avalanche": Preset(43114, "Avalanche C-Chain", "AVAX", "https://snowtrace.io"),
    "mantle": Preset(5000, "Mantle", "MNT", "https://mantlescan.xyz", max_reorg_depth=128),
    "arbitrum": Preset(42161, "Arbitrum One", "ETH", "https://arbiscan.io", 50, 256),
    "base": Preset(8453, "Base", "ETH", "https://basescan.org", 50, 128),
    "optimism": Preset(10, "OP Mainnet", "ETH", "https://optimistic.etherscan.io", 50, 128),
    "gnosis": Preset(100, "Gnosis", "XDAI", "https://gnosisscan.io", 50, 64),
    "fantom": Preset(250, "Fantom Opera", "FTM", "https://ftmscan.com"),
    "celo": Preset(42220, "Celo", "CELO", "https://celoscan.io", max_reorg_depth=128),
    "linea": Preset(59144, "Linea", "ETH", "https://lineascan.build", max_reorg_depth=128),
    "scroll": Preset(534352, "Scroll", "ETH", "https://scrollscan.com", 50, 128),
    "moonbeam": Preset(1284, "Moonbeam", "GLMR", "https://moonscan.io"),
    "moonriver": Preset(1285, "Moonriver", "MOVR", "https://moonriver.moonscan.io"),
    "aurora": Preset(1313161554, "Aurora", "ETH", "https://explorer.aurora.dev"),
    "harmony": Preset(1666600000, "Harmony", "ONE", "https://explorer.harmony.one"),
    "telos": Preset(40, "Telos EVM", "TLOS", "https://www.teloscan.io"),
    "fuse": Preset(122, "Fuse", "FUSE", "https://explorer.fuse.io"),
    "kaia": Preset(8217, "Kaia", "KAIA", "https://kaiascan.io"),
    "cronos": Preset(25, "Cronos", "CRO", "https://explorer.cronos.org"),
    "zksync": Preset(324, "ZKsync Era", "ETH", "https://explorer.zksync.io", max_reorg_depth=128),
    "blast": Preset(81457, "Blast", "ETH", "https://blastscan.io", max_reorg_depth=128),
}
