"""Addresses that outlive their monitor for a while: a million of them are removed in small steps.

The foreign key would remove them with the monitor, in a transaction of a second and more, for which
every block would wait.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = {
    "sqlite": (
        "alter table addresses rename to addresses_before",
        """create table addresses (
            monitor_id text not null,
            address text not null,
            label text,
            primary key (monitor_id, address)) without rowid""",
        """insert into addresses (monitor_id, address, label)
            select monitor_id, address, label from addresses_before""",
        "drop table addresses_before",
    ),
    "postgresql": ("alter table addresses drop constraint addresses_monitor_id_fkey",),
}

# Monitors that were deleted and may still have addresses.
LEFTOVERS = "create table leftovers (monitor_id text primary key)"


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.execute(LEFTOVERS)
