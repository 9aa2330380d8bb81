"""How far ahead `due_at` and `circuit_until` were put: further ahead is another clock."""

from alembic import op

revision = "0015"
down_revision = "0014"

STATEMENTS = (
    # Milliseconds; below zero for the lease of a claim.
    "alter table deliveries add column wait_ms bigint not null default 0",
    # What waits for its next attempt may have been asked to wait for a day.
    "update deliveries set wait_ms = 104000000 where status = 'pending' and attempts > 0",
    "alter table endpoints add column circuit_wait_ms bigint not null default 86400000",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
