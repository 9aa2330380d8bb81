"""A project's failed deliveries, found without a look at all that were taken since."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        """create index deliveries_failed on deliveries (project_id, created_at, id)
            where status = 'failed'"""
    )
