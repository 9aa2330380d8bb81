"""Matches by eight digits of their transaction or address; and those that were reverted."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    "create index matches_by_transaction on matches (substr(transaction_hash, 3, 8))",
    # From the middle: what people choose of an address is its beginning or its end.
    "create index matches_by_address on matches (substr(address, 15, 8), position)",
    "create index matches_reverted on matches (position) where phase = 'reverted'",
    "drop index matches_transaction",
    "drop index matches_address",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
