"""Endpoints that are told only so much, and matches that somebody has seen.

quiet_most: messages in a window; quiet_ms: its length. Both null for all that there is.
quiet_until: when the window ends, in unix milliseconds; quiet_left: messages that it has room for.

matches.acknowledged_at: in unix milliseconds; acknowledged_by: the id of the key that did it.
"""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("alter table endpoints add column quiet_most integer")
    op.execute("alter table endpoints add column quiet_ms bigint")
    op.execute("alter table endpoints add column quiet_until bigint not null default 0")
    op.execute("alter table endpoints add column quiet_left integer not null default 1")
    op.execute("alter table matches add column acknowledged_at bigint")
    op.execute("alter table matches add column acknowledged_by text")
