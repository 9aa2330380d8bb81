"""The first schema: who asks, what is watched, where each chain stands, what matched, what is sent.

Portable on purpose: text, bigint and integer only; true and false are 1 and 0; JSON and uint256 are
text. Every `…_at` is in unix milliseconds. `position` columns order rows as they were committed.
"""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    # Sequences that must follow the order of commits, which a database sequence does not.
    "create table counters (name text primary key, value bigint not null)",
    "insert into counters (name, value) values ('matches', 0), ('changes', 0)",
    "create table projects (id text primary key, name text not null, created_at bigint not null)",
    """create table api_keys (
        id text primary key,
        project_id text not null references projects (id),
        name text not null,
        scope text not null,
        secret_hash text not null unique,
        created_at bigint not null,
        revoked_at bigint)""",
    """create table idempotency (
        project_id text not null,
        key text not null,
        request_hash text not null,
        status integer not null,
        body text not null,
        created_at bigint not null,
        primary key (project_id, key))""",
    "create index idempotency_created on idempotency (created_at)",
    """create table endpoints (
        id text primary key,
        project_id text not null references projects (id),
        url text not null,
        description text not null,
        format text not null,
        headers text not null,
        ordered integer not null,
        rate_per_second double precision,
        enabled integer not null,
        state text not null,
        state_reason text,
        secret text not null,
        failures_in_row integer not null,
        failing_since bigint,
        created_at bigint not null,
        updated_at bigint not null)""",
    "create index endpoints_project on endpoints (project_id, id)",
    """create table monitors (
        id text primary key,
        project_id text not null references projects (id),
        name text not null,
        networks text not null,
        rules text not null,
        any_address integer not null,
        notify text not null,
        confirmations text not null,
        tags text not null,
        note text not null,
        enabled integer not null,
        created_at bigint not null,
        updated_at bigint not null)""",
    "create index monitors_project on monitors (project_id, id)",
    """create table monitor_endpoints (
        monitor_id text not null references monitors (id) on delete cascade,
        endpoint_id text not null references endpoints (id) on delete cascade,
        place integer not null,
        primary key (monitor_id, endpoint_id))""",
    "create index monitor_endpoints_endpoint on monitor_endpoints (endpoint_id)",
    # SQLite keeps the rows in the key's own tree, which halves the file and the writing.
    """create table addresses (
        monitor_id text not null references monitors (id) on delete cascade,
        address text not null,
        label text,
        primary key (monitor_id, address)) {without_rowid}""",
    # What changed for those who keep an index in memory; read by revision.
    """create table changes (
        revision bigint primary key,
        monitor_id text not null)""",
    # One row a chain that is followed: who leads it, what was matched last.
    """create table networks (
        name text primary key,
        chain_id bigint not null,
        term bigint not null,
        sequence bigint not null,
        rewind integer not null)""",
    """create table headers (
        network text not null,
        number bigint not null,
        hash text not null,
        parent_hash text not null,
        timestamp bigint not null,
        primary key (network, number))""",
    # What contracts say of themselves. wanted: somebody has to ask them; checked_at: when somebody
    # last did, 0 for never. All null and not wanted: it says nothing.
    """create table tokens (
        network text not null,
        contract text not null,
        name text,
        symbol text,
        decimals integer,
        checked_at bigint not null,
        wanted integer not null,
        primary key (network, contract))""",
    "create index tokens_wanted on tokens (network, checked_at) where wanted = 1",
    """create table matches (
        id text primary key,
        position bigint not null,
        project_id text not null,
        monitor_id text not null,
        network text not null,
        kind text not null,
        direction text,
        address text,
        block_number bigint not null,
        block_hash text not null,
        transaction_hash text not null,
        phase text not null,
        returns integer not null,
        confirm_block bigint,
        confirm_tag text,
        document text not null,
        origin text,
        created_at bigint not null)""",
    "create unique index matches_project on matches (project_id, position)",
    "create index matches_monitor on matches (monitor_id, position)",
    "create index matches_transaction on matches (transaction_hash)",
    "create index matches_address on matches (address, position)",
    "create index matches_block on matches (network, block_number)",
    """create index matches_unconfirmed on matches (network, confirm_block)
        where phase = 'detected'""",
    """create table deliveries (
        id text primary key,
        project_id text not null,
        monitor_id text not null,
        match_id text not null,
        endpoint_id text not null,
        phase text not null,
        status text not null,
        attempts integer not null,
        due_at bigint not null,
        token integer not null,
        follows text,
        body text not null,
        error text,
        created_at bigint not null,
        finished_at bigint)""",
    "create index deliveries_project on deliveries (project_id, created_at, id)",
    "create index deliveries_monitor on deliveries (monitor_id, created_at, id)",
    "create index deliveries_endpoint on deliveries (endpoint_id, created_at, id)",
    "create index deliveries_match on deliveries (match_id)",
    """create index deliveries_due on deliveries (endpoint_id, due_at)
        where status = 'pending'""",
    """create index deliveries_waiting on deliveries (follows)
        where status = 'waiting'""",
    """create table attempts (
        delivery_id text not null references deliveries (id) on delete cascade,
        number integer not null,
        started_at bigint not null,
        duration_ms integer not null,
        status_code integer,
        error text,
        answer text,
        primary key (delivery_id, number))""",
    # Work that takes long. position: the last block that is done, from_block - 1 at first.
    """create table jobs (
        id text primary key,
        project_id text not null references projects (id),
        kind text not null,
        monitor_id text not null,
        network text not null,
        status text not null,
        from_block bigint not null,
        to_block bigint not null,
        position bigint not null,
        position_hash text,
        matches_found bigint not null,
        matches_new bigint not null,
        blocks_per_second double precision,
        trouble text,
        created_at bigint not null,
        started_at bigint,
        finished_at bigint)""",
    """create index jobs_open on jobs (network, id) where finished_at is null""",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in STATEMENTS:
        op.execute(statement.replace("{without_rowid}", "without rowid" if sqlite else ""))
