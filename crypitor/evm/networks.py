"""What is known of well-known networks: their name and a node's URL are enough to follow one.

Sources: chain ids, symbols, explorers and, where told, block times: viem's chain definitions (npm's
viem 2.57.20, November 2026); a test holds all of them against these and names what is otherwise.
Others: docs.bnbchain.org (Fermi: 450 ms; BEP-126: fast finality), docs.optimism.io (safe and
finalized follow L1), docs.celo.org (1 s since the move), docs.taiko.xyz (preconfirmations),
build.avax.network, mips.monad.xyz (MIP-12: 300 ms), docs.monad.xyz, docs.berachain.com,
docs.sei.io, hyperliquid.gitbook.io (small blocks), chainlink-evm #468 (Ronin on the OP stack since
May 2026), docs.moonbeam.network (6 s; final with the relay chain), inkonchain/docs (1 s).
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

from crypitor.evm.profiles import Level, Profile, profile_of

Finality: TypeAlias = Literal["epochs", "votes", "instant", "settled", "L1", "depth"]
"""What makes a block final, and so what a node's tags `safe` and `finalized` mean.

epochs: two of Ethereum's kind, 12.8 minutes or less; `finalized` says it.
votes: those of the validators in the next blocks, within seconds; `finalized` says it.
instant: a block is final before the next one is made; the tags are the head, or a block or two
behind it.
settled: a block is final at once, and what came of it when a later one settles it; the tags say
that.
L1: a sequencer's word until the block's data are final on Ethereum, minutes later: `safe` says that
they are there, `finalized` that they are final.
depth: nothing but more blocks.
"""

_LEAST_DEPTH = 64
_MINUTES: dict[Finality, float] = {
    "epochs": 12.8,
    "votes": 5,
    "instant": 2,
    "settled": 2,
    "L1": 5,
    "depth": 10,
}
"""How many minutes of blocks a reorg may orphan. Polygon had one of 157 blocks, more than five."""


def free_traces(profile: Profile) -> Literal["off", "logs"]:
    """Return "logs" for a chain whose own logs tell every move of its coin, else "off"."""
    return "off" if profile.coin_logs.since is None else "logs"


@dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of one network.

    title: as people write it. explorer: URL without a slash at its end; `/tx/`, `/address/` and
    `/block/` follow. block_seconds: how often a block comes, as published; of those that make
    none without a transaction, at the most often. finality: what makes a block final.
    confirmations: blocks. reorg_minutes: where it is not that of the finality. seen: the month in
    which all this was looked at last.
    """

    chain_id: int
    title: str
    native_symbol: str
    explorer: str
    block_seconds: float
    finality: Finality
    confirmations: int = 50
    native_decimals: int = 18
    reorg_minutes: float | None = None
    seen: str = "2026-11"

    @property
    def max_reorg_depth(self) -> int:
        """So many blocks as come in the minutes that a reorg may take back; at least 64."""
        minutes = self.reorg_minutes or _MINUTES[self.finality]
        blocks = ceil(minutes * 60 / self.block_seconds)
        return max(_LEAST_DEPTH, self.confirmations, blocks)

    @property
    def verify(self) -> Level:
        """The strongest proof that blocks of this network are known to pass."""
        return profile_of(self.chain_id).strongest

    @property
    def traces(self) -> Literal["off", "logs"]:
        """How its internal transfers are found at no cost, if they can be."""
        return free_traces(profile_of(self.chain_id))

    @property
    def settings(self) -> dict[str, object]:
        """Its values for the keys of the configuration."""
        names = (
            "chain_id", "title", "native_symbol", "native_decimals", "explorer", "confirmations",
            "max_reorg_depth",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


PRESETS = {
    "ethereum": Preset(1, "Ethereum", "ETH", "https://etherscan.io", 12, "epochs", 12),
    "sepolia": Preset(11155111, "Sepolia", "ETH", "https://sepolia.etherscan.io", 12, "epochs", 12),
    "hoodi": Preset(560048, "Hoodi", "ETH", "https://hoodi.etherscan.io", 12, "epochs", 12),
    "bsc": Preset(56, "BNB Smart Chain", "BNB", "https://bscscan.com", 0.45, "votes", 18),
    "bsc-testnet": Preset(
        97, "BNB Smart Chain Testnet", "tBNB", "https://testnet.bscscan.com", 0.45, "votes", 18
    ),
    "opbnb": Preset(204, "opBNB", "BNB", "https://opbnb.bscscan.com", 0.25, "L1", 100),
    "polygon": Preset(
        137, "Polygon", "POL", "https://polygonscan.com", 2, "votes", reorg_minutes=10
    ),
    "polygon-amoy": Preset(
        80002, "Polygon Amoy", "POL", "https://amoy.polygonscan.com", 2, "votes", reorg_minutes=10
    ),
    "avalanche": Preset(43114, "Avalanche C-Chain", "AVAX", "https://snowtrace.io", 1.7, "settled"),
    "avalanche-fuji": Preset(
        43113, "Avalanche Fuji", "AVAX", "https://testnet.snowtrace.io", 1.7, "settled"
    ),
    "mantle": Preset(5000, "Mantle", "MNT", "https://mantlescan.xyz", 2, "L1"),
    "arbitrum": Preset(42161, "Arbitrum One", "ETH", "https://arbiscan.io", 0.25, "L1"),
    "base": Preset(8453, "Base", "ETH", "https://basescan.org", 2, "L1"),
    "base-sepolia": Preset(84532, "Base Sepolia", "ETH", "https://sepolia.basescan.org", 2, "L1"),
    "optimism": Preset(10, "OP Mainnet", "ETH", "https://optimistic.etherscan.io", 2, "L1"),
    "unichain": Preset(130, "Unichain", "ETH", "https://uniscan.xyz", 1, "L1"),
    "worldchain": Preset(480, "World Chain", "ETH", "https://worldscan.org", 2, "L1"),
    "ink": Preset(57073, "Ink", "ETH", "https://explorer.inkonchain.com", 1, "L1"),
    "soneium": Preset(1868, "Soneium", "ETH", "https://soneium.blockscout.com", 2, "L1"),
    "katana": Preset(747474, "Katana", "ETH", "https://katanascan.com", 1, "L1"),
    "hemi": Preset(43111, "Hemi", "ETH", "https://explorer.hemi.xyz", 12, "L1", 12),
    "ronin": Preset(2020, "Ronin", "RON", "https://app.roninchain.com", 1, "L1"),
    "celo": Preset(42220, "Celo", "CELO", "https://celoscan.io", 1, "L1"),
    "megaeth": Preset(4326, "MegaETH", "ETH", "https://mega.etherscan.io", 1, "L1"),
    "taiko": Preset(167000, "Taiko", "ETH", "https://taikoscan.io", 2, "L1"),
    "linea": Preset(59144, "Linea", "ETH", "https://lineascan.build", 2, "L1"),
    "scroll": Preset(534352, "Scroll", "ETH", "https://scrollscan.com", 3, "L1"),
    "blast": Preset(81457, "Blast", "ETH", "https://blastscan.io", 2, "L1"),
    "zksync": Preset(324, "ZKsync Era", "ETH", "https://explorer.zksync.io", 0.2, "L1"),
    "abstract": Preset(2741, "Abstract", "ETH", "https://abscan.org", 0.2, "L1"),
    "gnosis": Preset(100, "Gnosis", "XDAI", "https://gnosisscan.io", 5, "epochs"),
    "sonic": Preset(146, "Sonic", "S", "https://sonicscan.org", 0.63, "instant", 4),
    "fantom": Preset(250, "Fantom Opera", "FTM", "https://ftmscan.com", 1, "instant", seen="2023"),
    "berachain": Preset(80094, "Berachain", "BERA", "https://berascan.com", 2, "instant", 2),
    "monad": Preset(143, "Monad", "MON", "https://monadscan.com", 0.3, "instant", 4),
    "hyperevm": Preset(999, "HyperEVM", "HYPE", "https://hyperevmscan.io", 1, "instant", 2),
    "sei": Preset(1329, "Sei", "SEI", "https://seiscan.io", 0.4, "instant", 4),
    "plasma": Preset(9745, "Plasma", "XPL", "https://plasmascan.to", 1, "instant", 2),
    "kaia": Preset(8217, "Kaia", "KAIA", "https://kaiascan.io", 1, "instant"),
    "cronos": Preset(
        25, "Cronos", "CRO", "https://explorer.cronos.org", 0.5, "instant", seen="2023"
    ),
    "moonbeam": Preset(1284, "Moonbeam", "GLMR", "https://moonscan.io", 6, "votes", seen="2023"),
    "moonriver": Preset(
        1285, "Moonriver", "MOVR", "https://moonriver.moonscan.io", 6, "votes", seen="2023"
    ),
    "aurora": Preset(
        1313161554, "Aurora", "ETH", "https://explorer.aurora.dev", 0.6, "votes", seen="2023"
    ),
    "harmony": Preset(
        1666600000, "Harmony", "ONE", "https://explorer.harmony.one", 2, "instant", seen="2023"
    ),
    "telos": Preset(40, "Telos EVM", "TLOS", "https://www.teloscan.io", 0.5, "votes", seen="2023"),
    "fuse": Preset(122, "Fuse", "FUSE", "https://explorer.fuse.io", 5, "depth", seen="2023"),
}
