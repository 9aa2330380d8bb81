"""What is known of well-known networks: their name and a node's URL are enough to follow one."""

from dataclasses import dataclass

from crypitor.evm.proof import Level


@dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of one network.

    title: as people write it. explorer: URL without a slash at its end; `/tx/`, `/address/` and
    `/block/` follow. confirmations, max_reorg_depth: blocks. verify: the strongest proof that
    blocks of this network are known to pass.
    """

    chain_id: int
    title: str
    native_symbol: str
    explorer: str
    confirmations: int = 50
    max_reorg_depth: int = 64
    verify: Level = "logs"
    native_decimals: int = 18


# verify: "receipts" where recorded blocks or other indexers show that the plain receipts trie gives
# the header's root; "off" where logs exist that the header does not commit to (polygon's state-sync
# transactions, and what the recorded block of avalanche shows) or where the header's bloom is zero
# (zksync, fantom, aurora, telos).
# max_reorg_depth: Polygon had a reorg of 157 blocks; fast chains count more blocks in a minute.
PRESETS = {
    "ethereum": Preset(1, "Ethereum", "ETH", "https://etherscan.io", 12, 64, "receipts"),
    "sepolia": Preset(
        11155111, "Sepolia", "ETH", "https://sepolia.etherscan.io", 12, 64, "receipts"
    ),
    "bsc": Preset(56, "BNB Smart Chain", "BNB", "https://bscscan.com", 18, 64, "receipts"),
    "polygon": Preset(137, "Polygon", "POL", "https://polygonscan.com", 50, 256, "off"),
    "avalanche": Preset(43114, "Avalanche C-Chain", "AVAX", "https://snowtrace.io", verify="off"),
    "mantle": Preset(5000, "Mantle", "MNT", "https://mantlescan.xyz", max_reorg_depth=128),
    "arbitrum": Preset(42161, "Arbitrum One", "ETH", "https://arbiscan.io", 50, 256, "receipts"),
    "base": Preset(8453, "Base", "ETH", "https://basescan.org", 50, 128, "receipts"),
    "optimism": Preset(
        10, "OP Mainnet", "ETH", "https://optimistic.etherscan.io", 50, 128, "receipts"
    ),
    "gnosis": Preset(100, "Gnosis", "XDAI", "https://gnosisscan.io", 50, 64, "receipts"),
    "fantom": Preset(250, "Fantom Opera", "FTM", "https://ftmscan.com", verify="off"),
    "celo": Preset(42220, "Celo", "CELO", "https://celoscan.io", max_reorg_depth=128),
    "linea": Preset(59144, "Linea", "ETH", "https://lineascan.build", max_reorg_depth=128),
    "scroll": Preset(534352, "Scroll", "ETH", "https://scrollscan.com", 50, 128, "receipts"),
    "moonbeam": Preset(1284, "Moonbeam", "GLMR", "https://moonscan.io"),
    "moonriver": Preset(1285, "Moonriver", "MOVR", "https://moonriver.moonscan.io"),
    "aurora": Preset(1313161554, "Aurora", "ETH", "https://explorer.aurora.dev", verify="off"),
    "harmony": Preset(1666600000, "Harmony", "ONE", "https://explorer.harmony.one"),
    "telos": Preset(40, "Telos EVM", "TLOS", "https://www.teloscan.io", verify="off"),
    "fuse": Preset(122, "Fuse", "FUSE", "https://explorer.fuse.io"),
    "kaia": Preset(8217, "Kaia", "KAIA", "https://kaiascan.io"),
    "cronos": Preset(25, "Cronos", "CRO", "https://explorer.cronos.org"),
    "zksync": Preset(
        324, "ZKsync Era", "ETH", "https://explorer.zksync.io", max_reorg_depth=128, verify="off"
    ),
    "blast": Preset(81457, "Blast", "ETH", "https://blastscan.io", max_reorg_depth=128),
}
