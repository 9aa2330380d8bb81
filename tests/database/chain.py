"""A chain whose blocks are given their effects as the matcher would."""

import json

from crypitor.database.blocks import BlockEffect, save_blocks, save_some
from crypitor.evm.types import Header, Receipt, Transaction
from crypitor.monitor.models import Direction, Kind, Match, Subject, match_id
from crypitor.webhook.message import NetworkTitle
from tests.monitor.test_match import MONITOR, A, B

CONFIRMATIONS = 3
PROJECT = "insert into projects (id, name, created_at) values ('pr_1', 'default', 0)"
ENDPOINT = """insert into endpoints (id, project_id, url, description, format, headers, ordered,
        enabled, state, secret, failures_in_row, created_at, updated_at)
    values (:id, 'pr_1', 'http://x', '', 'standard', '{}', 0, 1, 'healthy', '', 0, 0, 0)"""


class Chain:
    """Blocks are named by their hash; each is given its effect as the matcher would."""

    def __init__(self, database):
        self.database = database
        self.sequence = 0
        self.headers = {}

    def effect(self, name, parent=None, matches=1, required=CONFIRMATIONS, **tags):
        below = self.headers.get(parent)
        header = Header(below.number + 1 if below else 1, name, parent or "genesis", 0)
        self.headers[name] = header
        self.sequence += 1
        return BlockEffect(
            network="ethereum", chain_id=1, title=NetworkTitle("Ethereum"),
            sequence=self.sequence, header=header,
            ancestor_number=below.number if below else None,
            matches=[(match_in(header, index), required) for index in range(matches)],
            safe=tags.get("safe"), finalized=tags.get("finalized"),
            oldest_kept=tags.get("oldest_kept", 0), touched=tags.get("touched", ()),
            now=1000 + self.sequence,
        )  # fmt: skip

    async def take(self, name, parent=None, *, before_commit=None, confirming=True, **what):
        effect = self.effect(name, parent, **what)

        async def unit(tx):
            saved = await save_blocks(tx, [effect], effect.sequence - 1, confirming=confirming)
            if before_commit:
                await before_commit()
            return saved

        return await self.database.write(unit)

    async def begin(self, name, parent, **what):
        """Store these matches of a block, and not the block."""
        effect = self.effect(name, parent, **what)
        self.sequence -= 1
        return await self.database.write(
            lambda tx: save_some(tx, effect, self.sequence, leaving=True)
        )

    async def told(self, endpoint="ep_1"):
        """(block, phase, status) of every delivery, in the order in which they were queued."""
        rows = await self.database.read(
            lambda tx: tx.all(
                "select * from deliveries where endpoint_id = :endpoint order by position",
                endpoint=endpoint,
            )
        )
        return [
            (json.loads(r["body"])["data"]["block"]["hash"], r["phase"], r["status"]) for r in rows
        ]

    async def change(self, sql, **values):
        await self.database.write(lambda tx: tx.run(sql, **values))


def match_in(header, index=0, monitor=MONITOR):
    transaction = Transaction(
        f"0x{header.hash}{index}", hex(index), header.hash, A, hex(7 + index), B
    )
    receipt = Receipt(transaction.hash, hex(index), header.hash, (), status="0x1")
    moved = Subject(Kind.NATIVE, A, B, 7 + index, None, None, None)
    made = match_id(monitor.id, Direction.IN, B, header, transaction, moved)
    return Match(
        made, monitor, "ethereum", Direction.IN, B, None, header, transaction, receipt, moved
    )  # fmt: skip
