"""How severe a monitor's matches are, and hours in which an endpoint is told nothing.

monitors.severity: null where its owner says nothing.
endpoints.silence: JSON, a list for each: minutes after midnight, time zone, days; null for none.
"""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute("alter table monitors add column severity text")
    op.execute("alter table endpoints add column silence text")
