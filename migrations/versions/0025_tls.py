"""TLS of an endpoint's own: JSON, sealed like its secrets; empty for none."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("alter table endpoints add column tls text not null default ''")
