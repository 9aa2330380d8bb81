"""The presets, against recorded blocks of their chains."""

import re

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


def test_the_presets_are_the_contracts():
    """All of them, no others, with chain id and confirmations."""
    told = [line.split() for line in CONTRACT.split(",")]

    assert {name: PRESETS[name].chain_id for name in PRESETS} == {
        name: int(chain_id) for name, chain_id, *_ in told
    }
    assert all(PRESETS[name].confirmations == int(rest[0]) for name, _, *rest in told if rest)


def test_every_preset_has_what_people_see():
    """A name of its own, a symbol, and an explorer to which paths can be added."""
    titles = {preset.title for preset in PRESETS.values()}

    assert len(titles) == len(PRESETS)
    for preset in PRESETS.values():
        assert re.fullmatch(r"[A-Z]{3,4}", preset.native_symbol)
        assert re.fullmatch(r"https://[a-z0-9.-]+[a-z]", preset.explorer)
        assert 0 < preset.confirmations <= preset.max_reorg_depth


def test_the_root_is_asked_for_wherever_it_is_known_to_hold():
    """The strongest proof is the default of these."""
    proven = {name for name, preset in PRESETS.items() if preset.verify == "receipts"}

    assert proven == {
        "ethereum", "sepolia", "bsc", "polygon", "arbitrum", "base", "optimism", "gnosis", "scroll",
    }  # fmt: skip
