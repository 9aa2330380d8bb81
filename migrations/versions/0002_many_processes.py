"""Who leads a network and until when; what each process says of itself, for the others to show.

Times here are by the database's clock, so that the clocks of several machines need not agree.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # leader: one process in one of its lives. leased_until: null where nobody waits for its end.
    "alter table networks add column leader text",
    "alter table networks add column leased_until bigint",
    # What the leader knows of a network beside what was matched; JSON.
    """create table standings (
        network text primary key,
        document text not null,
        told_at bigint not null)""",
    """create table processes (
        id text primary key,
        document text not null,
        told_at bigint not null)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
