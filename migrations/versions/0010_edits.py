"""What a change did to a monitor's addresses, so that matchers elsewhere need not read all again.

JSON; null where the whole monitor has to be read.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("alter table changes add column edit text")
