"""Whether the database is used with the other kind of queue, where a start would be refused."""

from collections.abc import Sequence

from crypitor.config import Config
from crypitor.database.hold import Holder, Part
from crypitor.database.holds import sharers_of
from crypitor.errors import ConfigError, DatabaseUnavailable
from crypitor.process.check.finding import Finding, trouble

SUBJECT = "owner"


async def mixture_findings(config: Config, holders: Sequence[Holder] | None) -> list[Finding]:
    """Return a trouble where `run` would be refused for the kind of queue that others have.

    holders: who holds the database; None where that is not known.
    """
    if config.queue.kind == "kafka":
        owners = [one for one in holders or () if any(one.parts.values())]
        how, cure = "owns this database with the in-process queue", 'set queue.kind = "memory"'
    else:
        owners = [one for one in holders or () if one.parts.get(Part.CHAINS) is False]
        owners = owners or await _sharers(config)
        how, cure = "uses this database with Kafka", 'set queue.kind = "kafka"'
    return [
        trouble(
            SUBJECT,
            f"{one} {how}; `crypitor run` with this configuration is refused",
            f"{cure} as there, or stop it (on {one.host}: kill {one.process})",
        )
        for one in owners
    ]


async def _sharers(config: Config) -> list[Holder]:
    try:
        return await sharers_of(config)
    except (ConfigError, DatabaseUnavailable):  # told of the database itself
        return []
