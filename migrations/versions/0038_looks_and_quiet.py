"""Which gauges each look was at, and how much monitors tell.

looks: network and number of the block, and the ids of the gauges, JSON, while a reorg may take the
block away. It takes the place of an index over all gauges by the height of their last look, which
each look changed in two places for each of them.

monitors.quiet_most: messages in a window to each endpoint; quiet_ms: its length. Both null for all
that there is. quiet_webhooks: whether that is for standard webhooks too. silence: hours in which
nothing is told, as endpoints have them. deliveries.quiet: 1 where its monitor asked for any of it.
quiet_windows: where a monitor stands with that at an endpoint, as endpoints.quiet_until and
quiet_left.
"""

import json
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    without_rowid = "without rowid" if sqlite else ""
    op.execute(
        f"""create table looks (
        network text not null,
        number bigint not null,
        gauges text not null,
        primary key (network, number)) {without_rowid}"""
    )
    _note_looks()
    op.execute("drop index gauges_number")
    op.execute("alter table monitors add column quiet_most integer")
    op.execute("alter table monitors add column quiet_ms bigint")
    op.execute("alter table monitors add column quiet_webhooks integer not null default 0")
    op.execute("alter table monitors add column silence text")
    op.execute("alter table deliveries add column quiet integer")
    op.execute(
        f"""create table quiet_windows (
        monitor_id text not null,
        endpoint_id text not null,
        quiet_until bigint not null,
        quiet_left integer not null,
        primary key (monitor_id, endpoint_id)) {without_rowid}"""
    )


def _note_looks() -> None:
    """Note the looks at blocks whose headers are kept, which a reorg may still reach."""
    rows = op.get_bind().execute(
        sa.text(
            """select network, number, id from gauges g where job_id = '' and number >= (
                    select min(h.number) from headers h where h.network = g.network)
                order by network, number"""
        )
    )
    notes = [
        {"network": network, "number": number, "gauges": json.dumps([row[2] for row in some])}
        for (network, number), some in groupby(rows, key=lambda row: (row[0], row[1]))
    ]
    if notes:
        insert = "insert into looks (network, number, gauges) values (:network, :number, :gauges)"
        op.get_bind().execute(sa.text(insert), notes)
