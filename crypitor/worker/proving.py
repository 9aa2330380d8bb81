"""A block as a node served it, brought into shape and proven, as far as its chain can prove it."""

import structlog

from crypitor.errors import Unproven
from crypitor.evm.pairing import paired
from crypitor.evm.profiles import Level, Profile
from crypitor.evm.proof import prove
from crypitor.worker.block import Served

log = structlog.get_logger(__name__)


def proven(served: Served, level: Level, profile: Profile, node: str) -> Served:
    """Return the block with a receipt for each transaction. Raises Unproven.

    Where the profile knows that blocks may not prove themselves, the block is taken at the
    strongest level that it passes, and the log tells which.
    node: its name, for the log.
    """
    holed = bool(profile.holes) and profile.has_hole_at(int(served.seal.number, 16))
    if holed or len(served.transactions) != len(served.receipts):
        pairs = paired(served.seal, served.transactions, served.receipts, profile)
        served = Served(served.seal, *pairs)
    try:
        prove(served.seal, served.transactions, served.receipts, level, profile)
    except Unproven as missing:
        if not holed:
            raise
        passed = _passed(served, level, profile)
        log.warning(
            "block taken at a weaker level",
            node=node,
            block=int(served.seal.number, 16),
            level=passed,
            missing=str(missing),
        )
    return served


def _passed(served: Served, level: Level, profile: Profile) -> Level:
    """Return the strongest level below one that a block passes; raises Unproven for none."""
    weaker = profile.levels[: profile.levels.index(level)]
    for each in reversed(weaker[1:]):
        try:
            prove(served.seal, served.transactions, served.receipts, each, profile)
        except Unproven:
            continue
        return each
    prove(served.seal, served.transactions, served.receipts, "off", profile)
    return "off"
