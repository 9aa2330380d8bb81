"""Which project is the operator's: the first one of a database, written down when it is made.

Until now it was the one with the smallest id, which begins with the time at which it was made.
"""

from alembic import op

revision = "0020"
down_revision = "0017"

STATEMENTS = (
    "alter table projects add column operator integer not null default 0",
    "update projects set operator = 1 where id = (select min(id) from projects)",
    "create unique index projects_operator on projects (operator) where operator = 1",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
