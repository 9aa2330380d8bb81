"""Records of the queue that carried no message of ours, kept until somebody looked at them."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        """create table dead_letters (
            id text primary key,
            topic text not null,
            partition_number integer not null,
            record_offset bigint not null,
            record_key text not null,
            record_value text not null,
            reason text not null,
            created_at bigint not null)"""
    )
