"""Endpoints as their owners see and change them; what deliveries make of them is elsewhere.

Sealed where there is a key (see `seal`): the secrets that sign, the headers, TLS of its own, and
the URL, in which chat services carry their tokens.
"""

import json
from collections.abc import Sequence

from crypitor.database.engine import Row, Transaction
from crypitor.database.sql import Order, beyond
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import Digest, Endpoint, Notice, OldSecret, State
from crypitor.webhook.quiet import Quiet, Window
from crypitor.webhook.silence import silence_text, stored_silence
from crypitor.webhook.success import stored_success, success_text
from crypitor.webhook.template import stored_template, template_text
from crypitor.webhook.tls import stored_tls, tls_text

COLUMNS = """id, project_id, url, secret, old_secrets, description, format, template, headers,
    ordered, rate_per_second, enabled, state, state_reason, failures_in_row, failing_since,
    created_at, updated_at, events, failed_at, circuit, circuit_since, circuit_until,
    circuit_openings, circuit_wait_ms, success, tls, digest, quiet_most,
    quiet_ms, quiet_until, quiet_left, silence, checksum"""
SEALED = ("url", "secret", "old_secrets", "headers", "tls")

INSERT = f"""insert into endpoints ({COLUMNS}) values (:id, :project_id, :url, :secret,
    :old_secrets, :description, :format, :template, :headers, :ordered, :rate_per_second, :enabled,
    :state, :state_reason, :failures_in_row, :failing_since, :created_at, :updated_at, :events,
    :failed_at, :circuit, :circuit_since, :circuit_until, :circuit_openings,
    :circuit_wait_ms, :success, :tls, :digest, :quiet_most, :quiet_ms,
    :quiet_until, :quiet_left, :silence, :checksum)"""  # noqa: S608 - columns from above

UPDATE = """update endpoints set url = :url, secret = :secret, old_secrets = :old_secrets,
        description = :description, format = :format, template = :template,
        headers = :headers, ordered = :ordered, rate_per_second = :rate_per_second,
        enabled = :enabled, state = :state, state_reason = :state_reason,
        failures_in_row = :failures_in_row, failing_since = :failing_since,
        updated_at = :updated_at, events = :events, failed_at = :failed_at, circuit = :circuit,
        circuit_since = :circuit_since, circuit_until = :circuit_until,
        circuit_openings = :circuit_openings, circuit_wait_ms = :circuit_wait_ms,
        success = :success, tls = :tls, digest = :digest, quiet_most = :quiet_most,
        quiet_ms = :quiet_ms, quiet_until = :quiet_until, quiet_left = :quiet_left,
        silence = :silence, checksum = :checksum
    where id = :id and project_id = :project_id"""


async def insert_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Store a new endpoint."""
    await tx.run(INSERT, **_values(tx, endpoint))


async def update_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Store what an endpoint has become."""
    await tx.run(UPDATE, **_values(tx, endpoint))


async def move_endpoint(tx: Transaction, endpoint: Endpoint, now: int) -> None:
    """Store the URL at which an endpoint is found from now on, in unix milliseconds."""
    await tx.run(
        "update endpoints set url = :url, updated_at = :now where id = :id",
        id=endpoint.id,
        url=tx.seal.seal(endpoint.url, place(endpoint.id, "url")),
        now=now,
    )


async def lock_endpoint(
    tx: Transaction, project_id: str, endpoint_id: str, now: int
) -> Endpoint | None:
    """Return an endpoint that is going to change, so that nobody else changes it meanwhile."""
    row = await tx.one(
        f"""update endpoints set updated_at = :now where id = :id and project_id = :project_id
            returning {COLUMNS}""",  # noqa: S608 - columns from above
        id=endpoint_id,
        project_id=project_id,
        now=now,
    )
    return endpoint_of(tx, row) if row else None


async def delete_endpoint(tx: Transaction, project_id: str, endpoint_id: str) -> bool:
    """Forget an endpoint, also in the monitors that name it; False when there is none."""
    deleted = await tx.value(
        "delete from endpoints where id = :id and project_id = :project_id returning id",
        id=endpoint_id,
        project_id=project_id,
    )
    await tx.run("delete from quiet_windows where endpoint_id = :id", id=endpoint_id)
    return deleted is not None


async def get_endpoint(tx: Transaction, project_id: str, endpoint_id: str) -> Endpoint | None:
    """Return an endpoint of a project."""
    row = await tx.one(
        f"select {COLUMNS} from endpoints where id = :id and project_id = :project_id",  # noqa: S608
        id=endpoint_id,
        project_id=project_id,
    )
    return endpoint_of(tx, row) if row else None


async def list_endpoints(
    tx: Transaction,
    project_id: str,
    limit: int,
    cursor: str | None = None,
    order: Order = "desc",
) -> list[Endpoint]:
    """Return endpoints of a project, newest first unless told otherwise, those beyond `cursor`."""
    rows = await tx.all(
        f"""select {COLUMNS} from endpoints
            where project_id = :project_id and (:cursor = '' or id {beyond(order)} :cursor)
            order by id {order} limit :limit""",  # noqa: S608 - columns from above
        project_id=project_id,
        cursor=cursor or "",
        limit=limit,
    )
    return [endpoint_of(tx, row) for row in rows]


async def known_endpoints(
    tx: Transaction, project_id: str, endpoint_ids: Sequence[str]
) -> set[str]:
    """Return those of these ids that are endpoints of the project."""
    rows = await tx.all(
        f"""select id from endpoints
            where project_id = :project_id and id in {tx.listed("ids")}""",  # noqa: S608
        project_id=project_id,
        ids=json.dumps(list(endpoint_ids)),
    )
    return {row["id"] for row in rows}


def endpoint_of(tx: Transaction, row: Row) -> Endpoint:
    """Return the endpoint of a row that has `COLUMNS`. Raises SealError."""
    opened = {column: tx.seal.open(row[column], place(row["id"], column)) for column in SEALED}
    fields = dict(row)
    circuit = Circuit(
        CircuitState(fields.pop("circuit")),
        fields.pop("circuit_since"),
        fields.pop("circuit_until"),
        fields.pop("circuit_openings"),
        fields.pop("circuit_wait_ms"),
    )
    most, length_ms = fields.pop("quiet_most"), fields.pop("quiet_ms")
    window = Window(fields.pop("quiet_until"), fields.pop("quiet_left"))
    return Endpoint(
        **{
            **fields,
            **opened,
            "old_secrets": tuple(OldSecret(*old) for old in json.loads(opened["old_secrets"])),
            "headers": json.loads(opened["headers"]),
            "template": stored_template(row["template"]),
            "success": stored_success(row["success"]),
            "tls": stored_tls(opened["tls"]),
            "digest": None if row["digest"] is None else Digest(*json.loads(row["digest"])),
            "quiet": None if most is None else Quiet(most, length_ms // 1000),
            "window": window,
            "silence": stored_silence(row["silence"]),
            "ordered": bool(row["ordered"]),
            "checksum": bool(row["checksum"]),
            "events": tuple(map(Notice, json.loads(row["events"]))),
            "enabled": bool(row["enabled"]),
            "state": State(row["state"]),
            "circuit": circuit,
        }
    )


def place(endpoint_id: str, column: str) -> str:
    """Return where a sealed text of an endpoint belongs."""
    return f"endpoints.{column} {endpoint_id}"


def _values(tx: Transaction, endpoint: Endpoint) -> dict[str, object]:
    secret = {
        "url": endpoint.url,
        "secret": endpoint.secret,
        "old_secrets": json.dumps([[old.secret, old.until] for old in endpoint.old_secrets]),
        "headers": json.dumps(dict(endpoint.headers)),
        "tls": tls_text(endpoint.tls),
    }
    return {
        **{
            column: tx.seal.seal(text, place(endpoint.id, column)) if text else text
            for column, text in secret.items()
        },
        "id": endpoint.id,
        "project_id": endpoint.project_id,
        "description": endpoint.description,
        "format": endpoint.format,
        "template": template_text(endpoint.template),
        "success": success_text(endpoint.success),
        "digest": None
        if endpoint.digest is None
        else json.dumps([endpoint.digest.seconds, endpoint.digest.count]),
        "quiet_most": None if endpoint.quiet is None else endpoint.quiet.most,
        "quiet_ms": None if endpoint.quiet is None else endpoint.quiet.window_seconds * 1000,
        "quiet_until": endpoint.window.until,
        "quiet_left": endpoint.window.left,
        "silence": silence_text(endpoint.silence),
        "ordered": int(endpoint.ordered),
        "checksum": int(endpoint.checksum),
        "rate_per_second": endpoint.rate_per_second,
        "enabled": int(endpoint.enabled),
        "state": endpoint.state.value,
        "state_reason": endpoint.state_reason,
        "failures_in_row": endpoint.failures_in_row,
        "failing_since": endpoint.failing_since,
        "failed_at": endpoint.failed_at,
        "events": json.dumps(endpoint.events),
        "circuit": endpoint.circuit.state.value,
        "circuit_since": endpoint.circuit.since,
        "circuit_until": endpoint.circuit.until,
        "circuit_openings": endpoint.circuit.openings,
        "circuit_wait_ms": endpoint.circuit.wait_ms,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


async def count_by_state(tx: Transaction) -> dict[str, int]:
    """Return how many endpoints there are in each state that any is in."""
    rows = await tx.all("select state, count(*) as endpoints from endpoints group by state")
    return {row["state"]: row["endpoints"] for row in rows}
