"""Keys that end soon are found without a walk through all of them."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute(
        """create index api_keys_ending on api_keys (project_id, expires_at)
            where expires_at is not null and revoked_at is null"""
    )
