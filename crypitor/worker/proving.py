"""A block as a node served it, brought into shape and proven, as far as its chain can prove it."""

import structlog
from msgspec.structs import replace

from crypitor.errors import Unproven
from crypitor.evm.pairing import paired
from crypitor.evm.profiles import Level, Profile
from crypitor.evm.proof import prove
from crypitor.evm.withdrawals import prove_withdrawals
from crypitor.worker.block import Served
from crypitor.worker.receipts import with_statuses

log = structlog.get_logger(__name__)


def proven(served: Served, level: Level, profile: Profile, node: str) -> Served:
    """Return the block with a receipt for each transaction. Raises Unproven.

    Where the profile knows that blocks may not prove themselves, the block is taken at the
    strongest level that it passes, and the log tells which. Statuses that were left out follow from
    receipts that the root has proven.
    node: its name, for the log.
    """
    holed = bool(profile.holes) and profile.has_hole_at(int(served.seal.number, 16))
    if holed or len(served.transactions) != len(served.receipts):
        pairs = paired(served.seal, served.transactions, served.receipts, profile)
        served = replace(served, transactions=pairs[0], receipts=pairs[1])
    passed = level
    try:
        _prove(served, level, profile)
    except Unproven as missing:
        if not holed:
            raise _advised(missing, served, level, profile) from missing
        passed = _passed(served, level, profile)
        log.warning(
            "block taken at a weaker level",
            node=node,
            block=int(served.seal.number, 16),
            proof=passed,
            missing=str(missing),
        )
    if passed == "receipts" and None in {one.status for one in served.receipts}:
        return with_statuses(served, profile)
    return served


def _advised(missing: Unproven, served: Served, level: Level, profile: Profile) -> Unproven:
    """Return what is wrong, and of a chain that nobody has looked at which level would hold."""
    if not profile.assumed or level == "off":
        return missing
    try:
        passed = _passed(served, level, profile)
    except Unproven:
        return missing
    return Unproven(
        missing.check,
        f'{missing}; verify = "{passed}" would pass: if every node of this chain shows the block'
        " so, set that, and see `crypitor network probe`",
    )


def _prove(served: Served, level: Level, profile: Profile) -> None:
    prove(served.seal, served.transactions, served.receipts, level, profile)
    if level == "receipts":
        prove_withdrawals(served.seal, served.withdrawals, profile)


def _passed(served: Served, level: Level, profile: Profile) -> Level:
    """Return the strongest level below one that a block passes; raises Unproven for none."""
    weaker = profile.levels[: profile.levels.index(level)]
    for each in reversed(weaker[1:]):
        try:
            _prove(served, each, profile)
        except Unproven:
            continue
        return each
    _prove(served, "off", profile)
    return "off"
