"""Where a network that stopped would best go on, for an operator who has named no block."""

import re

from crypitor.api.serving.call import Call
from crypitor.database.networks import known_at, known_chain
from crypitor.errors import Conflict

_NAMED = re.compile(r"--from-block (\d+)")


async def proposal_of(call: Call, name: str) -> tuple[int, str]:
    """Return the block that the network's trouble names, else the first that differs; and why.

    Raises Conflict where nothing has been matched, and NodeUnavailable.
    """
    trouble = call.context.status().get(name, {}).get("trouble")
    named = _NAMED.search(trouble) if isinstance(trouble, str) else None
    if named:
        return int(named[1]), "The network's trouble names this block."
    known = await call.read(lambda tx: known_chain(tx, name))
    if known is None:
        raise Conflict(f"nothing has been matched of {name} yet")

    async def at(number: int) -> tuple[int, str] | None:
        return await call.read(lambda tx: known_at(tx, name, number))

    proposal = await call.context.proposals[name](known, at)
    return proposal.first, proposal.reason
