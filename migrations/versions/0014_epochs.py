"""In which time of a database a cursor was given out: a copy that is put back begins a new one.

The one with the highest number is the present one. secret: proves that a cursor is ours.
"""

import secrets

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute(
        "create table epochs (number bigint primary key, name text not null, secret text not null)"
    )
    name, secret = secrets.token_hex(4), secrets.token_hex(16)
    op.execute(f"insert into epochs values (1, '{name}', '{secret}')")  # noqa: S608
