"""The presets, against recorded blocks of their chains."""

import json
import re
from pathlib import Path

import pytest

from crypitor.evm.networks import PRESETS
from crypitor.evm.profiles import profile_of
from crypitor.evm.proof import prove
from tests.evm.recorded import recorded_blocks


def test_recorded_blocks_pass_the_proof_that_their_preset_asks_for():
    """A preset that asks for too much would stop its network at the first block."""
    blocks = {name: recorded_blocks([preset.chain_id]) for name, preset in PRESETS.items()}
    for name, recorded in blocks.items():
        profile = profile_of(PRESETS[name].chain_id)
        for block in recorded:
            prove(block.seal, block.transactions, block.receipts, PRESETS[name].verify, profile)

    assert {name for name, recorded in blocks.items() if recorded} >= {
        "ethereum",
        "optimism",
        "polygon",
        "arbitrum",
        "base",
        "scroll",
        "avalanche",
    }


# Of the contract: name, chain id and, where it says so, confirmations.
CONTRACT = """ethereum 1 12, sepolia 11155111, bsc 56 18, polygon 137 50, avalanche 43114 50,
    mantle 5000 50, arbitrum 42161 50, base 8453 50, optimism 10 50, gnosis 100 50, fantom 250 50,
    celo 42220, linea 59144, scroll 534352, moonbeam 1284, moonriver 1285, aurora 1313161554,
    harmony 1666600000, telos 40, fuse 122, kaia 8217, cronos 25, zksync 324, blast 81457"""


# What people run in 2026, by the definitions that wallets and libraries publish (viem, August 2026).
PUBLISHED = """hoodi 560048 ETH, bsc-testnet 97 tBNB, opbnb 204 BNB, polygon-amoy 80002 POL,
    avalanche-fuji 43113 AVAX, base-sepolia 84532 ETH, unichain 130 ETH, worldchain 480 ETH,
    ink 57073 ETH, soneium 1868 ETH, katana 747474 ETH, hemi 43111 ETH, ronin 2020 RON,
    megaeth 4326 ETH, taiko 167000 ETH, abstract 2741 ETH, sonic 146 S, berachain 80094 BERA,
    monad 143 MON, hyperevm 999 HYPE, sei 1329 SEI, plasma 9745 XPL"""


def test_the_presets_are_the_contracts_and_what_people_run():
    """All of them, no others, with chain id and confirmations."""
    told = [line.split() for line in CONTRACT.split(",")]
    newer = [line.split() for line in PUBLISHED.split(",")]

    assert {name: PRESETS[name].chain_id for name in PRESETS} == {
        name: int(chain_id) for name, chain_id, *_ in (*told, *newer)
    }
    assert {name: PRESETS[name].native_symbol for name, _, _ in newer} == {
        name: symbol for name, _, symbol in newer
    }
    assert all(PRESETS[name].confirmations == int(rest[0]) for name, _, *rest in told if rest)


VIEM = json.loads(
    (Path(__file__).parents[1] / "data/chains/viem-2.57.20.json").read_text(encoding="utf-8")
)
"""chain id → name, symbol, decimals, explorers and milliseconds between blocks, as viem has them."""

OTHERWISE = {
    "bsc": "450 ms since Fermi (docs.bnbchain.org), and viem has the 750 ms of before",
    "ink": "1 s (inkonchain/docs, about.mdx), and viem has what the OP stack begins with",
}
"""Presets whose blocks come at another pace than viem says, with the source that was taken."""

EXPLORERS_OF_THEIR_OWN = {"aurora"}
"""viem names one that is not the chain's own (explorer.aurora.dev)."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_other_libraries_say(name):
    """Symbol, decimals, explorer, and time between blocks, by definitions that others look after."""
    preset = PRESETS[name]
    published = VIEM[str(preset.chain_id)]

    assert preset.native_symbol == published["symbol"]
    assert preset.native_decimals == published["decimals"]
    assert (preset.explorer in published["explorers"]) is (name not in EXPLORERS_OF_THEIR_OWN)
    if published["blockTime"] is not None:
        agree = preset.block_seconds * 1000 == published["blockTime"]
        assert agree is (name not in OTHERWISE)


def test_every_preset_has_what_people_see():
    """A name of its own, a symbol, and an explorer to which paths can be added."""
    titles = {preset.title for preset in PRESETS.values()}

    assert len(titles) == len(PRESETS)
    for preset in PRESETS.values():
        assert re.fullmatch(r"t?[A-Z]{1,4}", preset.native_symbol)
        assert re.fullmatch(r"https://[a-z0-9.-]+[a-z]", preset.explorer)
        assert 0 < preset.confirmations <= preset.max_reorg_depth


def test_the_root_is_asked_for_wherever_it_is_known_to_hold():
    """The strongest proof is the default of these."""
    proven = {name for name, preset in PRESETS.items() if preset.verify == "receipts"}

    assert proven == {
        "ethereum", "sepolia", "bsc", "polygon", "arbitrum", "base", "optimism", "gnosis", "scroll",
        "kaia", "hoodi", "bsc-testnet", "opbnb", "polygon-amoy", "base-sepolia", "unichain",
        "worldchain", "ink", "soneium", "katana", "sonic", "berachain", "monad", "hyperevm",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name, minutes", [("ethereum", 12), ("bsc", 5), ("arbitrum", 5), ("abstract", 5), ("base", 5)]
)
def test_a_reorg_may_take_back_minutes_whatever_the_blocks_take(name, minutes):
    """Blocks of 200 ms need a greater depth than those of 12 s."""
    preset = PRESETS[name]

    assert preset.max_reorg_depth * preset.block_seconds >= minutes * 60
    assert preset.max_reorg_depth <= 10_000


def test_polygons_deepest_reorg_is_within_its_depth():
    """One of 157 blocks happened."""
    assert PRESETS["polygon"].max_reorg_depth > 157
