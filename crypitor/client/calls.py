"""The calls of the API. Made by `make client`."""

from collections.abc import AsyncIterator
from typing import Literal

from crypitor.client.transport import Transport
from crypitor.client.types import (
    AddressPage,
    AttemptPage,
    AuditPage,
    BackfillBody,
    Deleted,
    DeletedMonitor,
    DeliveryAnswer,
    DeliveryPage,
    EndpointAnswer,
    EndpointBody,
    EndpointBodyPatch,
    EndpointPage,
    EventPage,
    GaugeAnswer,
    GaugePage,
    JobAnswer,
    JobPage,
    KeyAnswer,
    KeyBody,
    KeyPage,
    KeyRotationBody,
    LabelledAddress,
    ListedAttempt,
    LogLevelAnswer,
    LogLevelBody,
    MatchAnswer,
    MatchPage,
    MonitorAnswer,
    MonitorBody,
    MonitorBodyPatch,
    MonitorPage,
    NetworkAnswer,
    NetworkPage,
    PingAnswer,
    ProjectAnswer,
    ProjectBody,
    ProjectBodyPatch,
    ProjectPage,
    ProjectUsage,
    ReloadAnswer,
    ReplayBody,
    ResumeAnswer,
    ResumeBody,
    RetryBody,
    RotationBody,
    SecretAnswer,
    StatsAnswer,
    TrialAnswer,
    TrialBody,
)


class Calls(Transport):
    """A method for each operation; lists also have one for all their pages."""

    async def create_monitor(
        self,
        body: MonitorBody,
        *,
        checksum: bool | None = None,
        idempotency_key: str | None = None,
    ) -> MonitorAnswer:
        """Create a monitor.

        It is in force from the blocks in `armed_from` on. With `webhook` an endpoint is
        made with it; the answer carries that endpoint's secret, this once. `warnings` say
        what of it does nothing.
        """
        query = {"checksum": checksum}
        answer: MonitorAnswer = await self.call(
            "POST", "/v1/monitors", query=query, body=body, idempotency_key=idempotency_key
        )
        return answer

    async def read_monitors(
        self,
        *,
        checksum: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
        network: str | None = None,
        tag: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
    ) -> MonitorPage:
        """List monitors, newest first or oldest first.

        A page has at most some 4 MiB, and then fewer monitors than `limit`; `next_cursor`
        leads on.
        """
        query = {
            "checksum": checksum,
            "cursor": cursor,
            "limit": limit,
            "order": order,
            "network": network,
            "tag": tag,
            "enabled": enabled,
            "search": search,
        }
        answer: MonitorPage = await self.call("GET", "/v1/monitors", query=query)
        return answer

    def all_monitors(
        self,
        *,
        checksum: bool | None = None,
        order: Literal["desc", "asc"] | None = None,
        network: str | None = None,
        tag: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
    ) -> AsyncIterator[MonitorAnswer]:
        """Walk all pages of `read_monitors`."""
        query = {
            "checksum": checksum,
            "order": order,
            "network": network,
            "tag": tag,
            "enabled": enabled,
            "search": search,
        }
        items: AsyncIterator[MonitorAnswer] = self.pages("/v1/monitors", query=query)
        return items

    async def read_monitor(
        self,
        monitor_id: str,
        *,
        checksum: bool | None = None,
    ) -> MonitorAnswer:
        """Read a monitor."""
        query = {"checksum": checksum}
        answer: MonitorAnswer = await self.call(
            "GET", f"/v1/monitors/{self.part(monitor_id)}", query=query
        )
        return answer

    async def change_monitor(
        self,
        monitor_id: str,
        body: MonitorBodyPatch,
        *,
        checksum: bool | None = None,
        idempotency_key: str | None = None,
    ) -> MonitorAnswer:
        """Change a monitor by a JSON merge patch (RFC 7396).

        What is left out stays, null goes back to the default, lists are replaced as a
        whole: `addresses` takes the place of all that are watched, however they were added.
        """
        query = {"checksum": checksum}
        answer: MonitorAnswer = await self.call(
            "PATCH",
            f"/v1/monitors/{self.part(monitor_id)}",
            query=query,
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def remove_monitor(
        self,
        monitor_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> DeletedMonitor:
        """Delete a monitor and its addresses.

        Its deliveries that are under way are cancelled; its matches and deliveries can
        still be read.
        """
        answer: DeletedMonitor = await self.call(
            "DELETE", f"/v1/monitors/{self.part(monitor_id)}", idempotency_key=idempotency_key
        )
        return answer

    async def read_monitor_addresses(
        self,
        monitor_id: str,
        *,
        checksum: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        search: str | None = None,
    ) -> AddressPage:
        """List the addresses of a monitor, in their own order; empty where it watches any
        address.
        """
        query = {"checksum": checksum, "cursor": cursor, "limit": limit, "search": search}
        answer: AddressPage = await self.call(
            "GET", f"/v1/monitors/{self.part(monitor_id)}/addresses", query=query
        )
        return answer

    def all_monitor_addresses(
        self,
        monitor_id: str,
        *,
        checksum: bool | None = None,
        search: str | None = None,
    ) -> AsyncIterator[LabelledAddress]:
        """Walk all pages of `read_monitor_addresses`."""
        query = {"checksum": checksum, "search": search}
        items: AsyncIterator[LabelledAddress] = self.pages(
            f"/v1/monitors/{self.part(monitor_id)}/addresses", query=query
        )
        return items

    async def read_monitor_address(
        self,
        monitor_id: str,
        address: str,
        *,
        checksum: bool | None = None,
    ) -> LabelledAddress:
        """Read one address of a monitor, to see whether it is watched."""
        query = {"checksum": checksum}
        answer: LabelledAddress = await self.call(
            "GET",
            f"/v1/monitors/{self.part(monitor_id)}/addresses/{self.part(address)}",
            query=query,
        )
        return answer

    async def read_monitor_gauges(
        self,
        monitor_id: str,
        *,
        checksum: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        network: str | None = None,
        address: str | None = None,
        readings: int | None = None,
    ) -> GaugePage:
        """List where balances and views stand.

        One for each account or contract of each rule of kind `balance` or `view`, with what
        it showed last. A gauge is there soon after its monitor is made, and is looked at in
        the block that comes next. Readings are kept as long as matches are.
        """
        query = {
            "checksum": checksum,
            "cursor": cursor,
            "limit": limit,
            "network": network,
            "address": address,
            "readings": readings,
        }
        answer: GaugePage = await self.call(
            "GET", f"/v1/monitors/{self.part(monitor_id)}/gauges", query=query
        )
        return answer

    def all_monitor_gauges(
        self,
        monitor_id: str,
        *,
        checksum: bool | None = None,
        network: str | None = None,
        address: str | None = None,
        readings: int | None = None,
    ) -> AsyncIterator[GaugeAnswer]:
        """Walk all pages of `read_monitor_gauges`."""
        query = {"checksum": checksum, "network": network, "address": address, "readings": readings}
        items: AsyncIterator[GaugeAnswer] = self.pages(
            f"/v1/monitors/{self.part(monitor_id)}/gauges", query=query
        )
        return items

    async def test_monitor(
        self,
        monitor_id: str,
        body: TrialBody,
        *,
        checksum: bool | None = None,
        idempotency_key: str | None = None,
    ) -> TrialAnswer:
        """Test a monitor on the past.

        With `transaction`: for each rule and each log, transfer or call of it, whether it
        matches, and if not, everything that is in the way; of balances and views, for each
        that it touched, what the block made of it. With `from_block` and `to_block`, at
        most 10,000 blocks: what would have matched, a count for each day, and a warning if
        that is much. It takes at most 20 seconds and tells how far it came. Nothing is sent
        or stored; a disabled monitor can be tested too. Two tests of a network run at once,
        beside the live path.
        """
        query = {"checksum": checksum}
        answer: TrialAnswer = await self.call(
            "POST",
            f"/v1/monitors/{self.part(monitor_id)}/test",
            query=query,
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def create_endpoint(
        self,
        body: EndpointBody,
        *,
        idempotency_key: str | None = None,
    ) -> EndpointAnswer:
        """Create an endpoint.

        The answer carries its signing secret, which can be read again at `/secret`.
        """
        answer: EndpointAnswer = await self.call(
            "POST", "/v1/endpoints", body=body, idempotency_key=idempotency_key
        )
        return answer

    async def read_endpoints(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
    ) -> EndpointPage:
        """List endpoints, newest first or oldest first.

        A page has at most some 4 MiB, and then fewer endpoints than `limit`; `next_cursor`
        leads on.
        """
        query = {"cursor": cursor, "limit": limit, "order": order}
        answer: EndpointPage = await self.call("GET", "/v1/endpoints", query=query)
        return answer

    def all_endpoints(
        self,
        *,
        order: Literal["desc", "asc"] | None = None,
    ) -> AsyncIterator[EndpointAnswer]:
        """Walk all pages of `read_endpoints`."""
        query = {"order": order}
        items: AsyncIterator[EndpointAnswer] = self.pages("/v1/endpoints", query=query)
        return items

    async def read_endpoint(self, endpoint_id: str) -> EndpointAnswer:
        """Read an endpoint."""
        answer: EndpointAnswer = await self.call("GET", f"/v1/endpoints/{self.part(endpoint_id)}")
        return answer

    async def change_endpoint(
        self,
        endpoint_id: str,
        body: EndpointBodyPatch,
        *,
        idempotency_key: str | None = None,
    ) -> EndpointAnswer:
        """Change an endpoint by a JSON merge patch (RFC 7396).

        What is left out stays, null goes back to the default; in `headers`, null removes
        one. `enabled: true` also opens again what failures have disabled, and closes its
        circuit: what was queued meanwhile is sent, slowly at first.
        """
        answer: EndpointAnswer = await self.call(
            "PATCH",
            f"/v1/endpoints/{self.part(endpoint_id)}",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def remove_endpoint(
        self,
        endpoint_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> Deleted:
        """Delete an endpoint.

        It leaves the monitors that name it, and its deliveries that are under way are
        cancelled.
        """
        answer: Deleted = await self.call(
            "DELETE", f"/v1/endpoints/{self.part(endpoint_id)}", idempotency_key=idempotency_key
        )
        return answer

    async def read_secret(self, endpoint_id: str) -> SecretAnswer:
        """Read the secret that signs an endpoint's webhooks.

        It needs a key with write scope: who has it can make webhooks that look like ours.
        """
        answer: SecretAnswer = await self.call(
            "GET", f"/v1/endpoints/{self.part(endpoint_id)}/secret"
        )
        return answer

    async def rotate_secret(
        self,
        endpoint_id: str,
        body: RotationBody | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> SecretAnswer:
        """Replace the secret that signs an endpoint's webhooks.

        For 24 hours the old one signs too: each webhook carries a signature of both.
        Without a body a new secret of the same kind is made.
        """
        answer: SecretAnswer = await self.call(
            "POST",
            f"/v1/endpoints/{self.part(endpoint_id)}/rotate",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def ping_endpoint(
        self,
        endpoint_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> PingAnswer:
        """Send a ping now.

        `{"type": "ping"}`, or a message in the endpoint's own format, signed like every
        webhook, under the same deadline and the same rules on where it may go, also to an
        endpoint that is disabled. The answer is what came of it; neither the endpoint's
        state nor its deliveries change.
        """
        answer: PingAnswer = await self.call(
            "POST", f"/v1/endpoints/{self.part(endpoint_id)}/ping", idempotency_key=idempotency_key
        )
        return answer

    async def read_matches(
        self,
        *,
        checksum: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        network: str | None = None,
        transaction: str | None = None,
        address: str | None = None,
        phase: Literal["detected", "confirmed", "ended", "reverted"] | None = None,
        kind: Literal[
            "native",
            "internal",
            "erc20",
            "erc721",
            "erc1155",
            "event",
            "call",
            "deployment",
            "transaction",
            "withdrawal",
            "delegation",
            "balance",
            "view",
        ]
        | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> MatchPage:
        """List matches, newest first; with `order=asc` a feed of all there are and will be.

        A feed that was left alone for longer than matches are kept is told so by 410, once
        matches beyond its cursor have been removed; without a cursor it begins with the
        oldest that is kept. A page has at most some 4 MiB, and then fewer matches than
        `limit`.
        """
        query = {
            "checksum": checksum,
            "cursor": cursor,
            "limit": limit,
            "order": order,
            "monitor": monitor,
            "network": network,
            "transaction": transaction,
            "address": address,
            "phase": phase,
            "kind": kind,
            "since": since,
            "until": until,
        }
        answer: MatchPage = await self.call("GET", "/v1/matches", query=query)
        return answer

    def all_matches(
        self,
        *,
        checksum: bool | None = None,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        network: str | None = None,
        transaction: str | None = None,
        address: str | None = None,
        phase: Literal["detected", "confirmed", "ended", "reverted"] | None = None,
        kind: Literal[
            "native",
            "internal",
            "erc20",
            "erc721",
            "erc1155",
            "event",
            "call",
            "deployment",
            "transaction",
            "withdrawal",
            "delegation",
            "balance",
            "view",
        ]
        | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> AsyncIterator[MatchAnswer]:
        """Walk all pages of `read_matches`."""
        query = {
            "checksum": checksum,
            "order": order,
            "monitor": monitor,
            "network": network,
            "transaction": transaction,
            "address": address,
            "phase": phase,
            "kind": kind,
            "since": since,
            "until": until,
        }
        items: AsyncIterator[MatchAnswer] = self.pages("/v1/matches", query=query)
        return items

    async def read_match(
        self,
        match_id: str,
        *,
        checksum: bool | None = None,
    ) -> MatchAnswer:
        """Read a match."""
        query = {"checksum": checksum}
        answer: MatchAnswer = await self.call(
            "GET", f"/v1/matches/{self.part(match_id)}", query=query
        )
        return answer

    async def acknowledge(
        self,
        match_id: str,
        *,
        checksum: bool | None = None,
        idempotency_key: str | None = None,
    ) -> MatchAnswer:
        """Say that somebody takes care of a match.

        Who does so first stays, and the match says who and when, in all its phases. Alerts
        that it has open at PagerDuty and Opsgenie are acknowledged there. Webhooks are sent
        as before.
        """
        query = {"checksum": checksum}
        answer: MatchAnswer = await self.call(
            "POST",
            f"/v1/matches/{self.part(match_id)}/acknowledge",
            query=query,
            idempotency_key=idempotency_key,
        )
        return answer

    async def read_deliveries(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        match: str | None = None,
        status: Literal["waiting", "pending", "delivered", "counted", "failed", "cancelled"]
        | None = None,
        type: Literal[
            "match.detected",
            "match.confirmed",
            "match.ended",
            "match.reverted",
            "endpoint.failing",
            "endpoint.disabled",
            "endpoint.moved",
        ]
        | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> DeliveryPage:
        """List deliveries, newest first or oldest first."""
        query = {
            "cursor": cursor,
            "limit": limit,
            "order": order,
            "monitor": monitor,
            "endpoint": endpoint,
            "match": match,
            "status": status,
            "type": type,
            "since": since,
            "until": until,
        }
        answer: DeliveryPage = await self.call("GET", "/v1/deliveries", query=query)
        return answer

    def all_deliveries(
        self,
        *,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        match: str | None = None,
        status: Literal["waiting", "pending", "delivered", "counted", "failed", "cancelled"]
        | None = None,
        type: Literal[
            "match.detected",
            "match.confirmed",
            "match.ended",
            "match.reverted",
            "endpoint.failing",
            "endpoint.disabled",
            "endpoint.moved",
        ]
        | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> AsyncIterator[DeliveryAnswer]:
        """Walk all pages of `read_deliveries`."""
        query = {
            "order": order,
            "monitor": monitor,
            "endpoint": endpoint,
            "match": match,
            "status": status,
            "type": type,
            "since": since,
            "until": until,
        }
        items: AsyncIterator[DeliveryAnswer] = self.pages("/v1/deliveries", query=query)
        return items

    async def read_delivery(self, delivery_id: str) -> DeliveryAnswer:
        """Read a delivery with its body and its attempts, first to last."""
        answer: DeliveryAnswer = await self.call("GET", f"/v1/deliveries/{self.part(delivery_id)}")
        return answer

    async def retry_delivery(
        self,
        delivery_id: str,
        body: RetryBody | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> DeliveryAnswer:
        """Send a delivery again.

        At once, with the same `webhook-id` and body; if it fails, it is tried on as a new
        one is. A delivery that is pending is tried now instead of at `due_at`. One that was
        taken is sent again only with `{"again": true}`. Later phases of its match that have
        not been taken wait for it. 409 says why it cannot be sent: its endpoint is deleted
        or disabled, an earlier phase comes first, it was cancelled, or its body is not kept
        any more.
        """
        answer: DeliveryAnswer = await self.call(
            "POST",
            f"/v1/deliveries/{self.part(delivery_id)}/retry",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def read_attempts(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        type: Literal[
            "match.detected",
            "match.confirmed",
            "match.ended",
            "match.reverted",
            "endpoint.failing",
            "endpoint.disabled",
            "endpoint.moved",
        ]
        | None = None,
        outcome: Literal["taken", "refused", "unanswered"] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> AttemptPage:
        """List attempts, newest first: what came of each POST.

        A page of what is rare may have fewer than `limit`, or none, and a `next_cursor` all
        the same: go on until there is none.
        """
        query = {
            "cursor": cursor,
            "limit": limit,
            "monitor": monitor,
            "endpoint": endpoint,
            "type": type,
            "outcome": outcome,
            "since": since,
            "until": until,
        }
        answer: AttemptPage = await self.call("GET", "/v1/attempts", query=query)
        return answer

    def all_attempts(
        self,
        *,
        monitor: str | None = None,
        endpoint: str | None = None,
        type: Literal[
            "match.detected",
            "match.confirmed",
            "match.ended",
            "match.reverted",
            "endpoint.failing",
            "endpoint.disabled",
            "endpoint.moved",
        ]
        | None = None,
        outcome: Literal["taken", "refused", "unanswered"] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> AsyncIterator[ListedAttempt]:
        """Walk all pages of `read_attempts`."""
        query = {
            "monitor": monitor,
            "endpoint": endpoint,
            "type": type,
            "outcome": outcome,
            "since": since,
            "until": until,
        }
        items: AsyncIterator[ListedAttempt] = self.pages("/v1/attempts", query=query)
        return items

    async def read_event_log(
        self,
        *,
        checksum: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        network: str | None = None,
        kind: Literal[
            "native",
            "internal",
            "erc20",
            "erc721",
            "erc1155",
            "event",
            "call",
            "deployment",
            "transaction",
            "withdrawal",
            "delegation",
            "balance",
            "view",
        ]
        | None = None,
        type: Literal[
            "match.detected",
            "match.confirmed",
            "match.ended",
            "match.reverted",
            "endpoint.failing",
            "endpoint.disabled",
            "endpoint.moved",
        ]
        | None = None,
        address: str | None = None,
    ) -> EventPage:
        """List what was told: each phase of each match, and news of endpoints.

        In the order of commits, whether or not it has an endpoint, with the very bodies
        that webhooks in the standard format have. With the cursor of the page before
        nothing is skipped or repeated, also over a restart. 410: events beyond the cursor
        were removed after their time, or the cursor is of a time that a restored copy of
        the database does not have. A page has at most some 4 MiB, and then fewer events
        than `limit`.
        """
        query = {
            "checksum": checksum,
            "cursor": cursor,
            "limit": limit,
            "order": order,
            "monitor": monitor,
            "network": network,
            "kind": kind,
            "type": type,
            "address": address,
        }
        answer: EventPage = await self.call("GET", "/v1/events", query=query)
        return answer

    async def replay_monitor(
        self,
        monitor_id: str,
        body: ReplayBody | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> JobAnswer:
        """Send a monitor's deliveries again.

        A job that makes those due again which were created in the time and have one of the
        statuses, oldest first, with the same `webhook-id` and body, at most
        `webhook.replay_per_second` of them. The phases of a match stay in order. What was
        taken is not sent again unless `status` asks for `delivered`. It waits while a
        healthy endpoint has many deliveries before it, and goes on after a restart.
        """
        answer: JobAnswer = await self.call(
            "POST",
            f"/v1/monitors/{self.part(monitor_id)}/replay",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def replay_endpoint(
        self,
        endpoint_id: str,
        body: ReplayBody | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> JobAnswer:
        """Send an endpoint's deliveries again.

        As the replay of a monitor, for the deliveries of all monitors to this endpoint,
        which must not be disabled.
        """
        answer: JobAnswer = await self.call(
            "POST",
            f"/v1/endpoints/{self.part(endpoint_id)}/replay",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def start_backfill(
        self,
        monitor_id: str,
        body: BackfillBody,
        *,
        idempotency_key: str | None = None,
    ) -> JobAnswer:
        """Match past blocks.

        A job that reads them beside the live path, oldest first, and goes on after a
        restart. What it finds is stored and delivered like any match; a match that exists
        is not sent again. It asks what the monitor asks at the time when a block is read,
        whether the monitor is enabled or not, and waits while a healthy endpoint has many
        deliveries before it. A project has at most 100 jobs that have not ended.
        """
        answer: JobAnswer = await self.call(
            "POST",
            f"/v1/monitors/{self.part(monitor_id)}/backfill",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def read_jobs(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        kind: Literal["backfill", "replay"] | None = None,
        status: Literal["queued", "running", "done", "cancelled"] | None = None,
    ) -> JobPage:
        """List backfills and replays, newest first or oldest first."""
        query = {
            "cursor": cursor,
            "limit": limit,
            "order": order,
            "monitor": monitor,
            "endpoint": endpoint,
            "kind": kind,
            "status": status,
        }
        answer: JobPage = await self.call("GET", "/v1/jobs", query=query)
        return answer

    def all_jobs(
        self,
        *,
        order: Literal["desc", "asc"] | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        kind: Literal["backfill", "replay"] | None = None,
        status: Literal["queued", "running", "done", "cancelled"] | None = None,
    ) -> AsyncIterator[JobAnswer]:
        """Walk all pages of `read_jobs`."""
        query = {
            "order": order,
            "monitor": monitor,
            "endpoint": endpoint,
            "kind": kind,
            "status": status,
        }
        items: AsyncIterator[JobAnswer] = self.pages("/v1/jobs", query=query)
        return items

    async def read_job(self, job_id: str) -> JobAnswer:
        """Read a job and how far it has come."""
        answer: JobAnswer = await self.call("GET", f"/v1/jobs/{self.part(job_id)}")
        return answer

    async def stop_job(
        self,
        job_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> JobAnswer:
        """Cancel a job.

        What it did stays; nothing more is stored or sent again by it once this is answered.
        One that has ended stays as it ended.
        """
        answer: JobAnswer = await self.call(
            "DELETE", f"/v1/jobs/{self.part(job_id)}", idempotency_key=idempotency_key
        )
        return answer

    async def read_stats(
        self,
        *,
        network: str | None = None,
        monitor: str | None = None,
        endpoint: str | None = None,
        step: Literal["minute", "hour"] | None = None,
        since: str | None = None,
        until: str | None = None,
        by: Literal["network", "monitor", "endpoint"] | None = None,
    ) -> StatsAnswer:
        """Read counts, rates and series.

        Matches, deliveries and attempts by what became of them, and how long it took: of
        all of the project, or of one network, monitor or endpoint, by minute for a day and
        by hour for 90 days. Counted from what is stored, so that a restart changes nothing;
        what happens now is counted within seconds.
        """
        query = {
            "network": network,
            "monitor": monitor,
            "endpoint": endpoint,
            "step": step,
            "since": since,
            "until": until,
            "by": by,
        }
        answer: StatsAnswer = await self.call("GET", "/v1/stats", query=query)
        return answer

    async def read_networks(self) -> NetworkPage:
        """List the networks of the configuration with head, tip and lag."""
        answer: NetworkPage = await self.call("GET", "/v1/networks")
        return answer

    async def read_network(self, name: str) -> NetworkAnswer:
        """Read one network with the state of each of its nodes."""
        answer: NetworkAnswer = await self.call("GET", f"/v1/networks/{self.part(name)}")
        return answer

    async def resume_network(
        self,
        name: str,
        body: ResumeBody,
        *,
        idempotency_key: str | None = None,
    ) -> ResumeAnswer:
        """Let a network go on at a block, where it stopped or anywhere else. Only for
        operators.

        Matches from this block on are reverted, which their endpoints are told, and what
        the nodes have there now is matched. Below it nothing is needed. It does what
        `crypitor network resume` does. A dry run that names no block proposes one: the
        first that differs from what was matched.
        """
        answer: ResumeAnswer = await self.call(
            "POST",
            f"/v1/networks/{self.part(name)}/resume",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def add_project(
        self,
        body: ProjectBody,
        *,
        idempotency_key: str | None = None,
    ) -> ProjectAnswer:
        """Create a project. Only for an operator's key."""
        answer: ProjectAnswer = await self.call(
            "POST", "/v1/projects", body=body, idempotency_key=idempotency_key
        )
        return answer

    async def read_projects(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ProjectPage:
        """List projects, newest first; for a key that is no operator's, its own."""
        query = {"cursor": cursor, "limit": limit}
        answer: ProjectPage = await self.call("GET", "/v1/projects", query=query)
        return answer

    def all_projects(self) -> AsyncIterator[ProjectAnswer]:
        """Walk all pages of `read_projects`."""
        items: AsyncIterator[ProjectAnswer] = self.pages("/v1/projects")
        return items

    async def read_project(self, project_id: str) -> ProjectAnswer:
        """Read a project."""
        answer: ProjectAnswer = await self.call("GET", f"/v1/projects/{self.part(project_id)}")
        return answer

    async def change_project(
        self,
        project_id: str,
        body: ProjectBodyPatch,
        *,
        idempotency_key: str | None = None,
    ) -> ProjectAnswer:
        """Change a project's name or limits by a JSON merge patch (RFC 7396).

        A limit of null goes back to what the configuration says. Limits are set by an
        operator's key alone. What a project has already stays, however low a limit is set.
        """
        answer: ProjectAnswer = await self.call(
            "PATCH",
            f"/v1/projects/{self.part(project_id)}",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def remove_project(
        self,
        project_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> Deleted:
        """Delete a project with all that it owns. Only for an operator's key.

        Its keys open nothing and nothing more is sent, at once here and within two seconds
        elsewhere; its monitors, endpoints, matches and deliveries are removed in steps
        after that. The audit keeps what was done. 409 for the operator's own.
        """
        answer: Deleted = await self.call(
            "DELETE", f"/v1/projects/{self.part(project_id)}", idempotency_key=idempotency_key
        )
        return answer

    async def read_usage(self, project_id: str) -> ProjectUsage:
        """Read what a project uses of its limits, and which limits are in force."""
        answer: ProjectUsage = await self.call("GET", f"/v1/projects/{self.part(project_id)}/usage")
        return answer

    async def add_key(
        self,
        body: KeyBody,
        *,
        idempotency_key: str | None = None,
    ) -> KeyAnswer:
        """Create an API key. Its secret is in this answer and nowhere else."""
        answer: KeyAnswer = await self.call(
            "POST", "/v1/keys", body=body, idempotency_key=idempotency_key
        )
        return answer

    async def read_keys(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> KeyPage:
        """List keys, revoked ones too, newest first; an operator sees those of all projects."""
        query = {"cursor": cursor, "limit": limit, "project": project}
        answer: KeyPage = await self.call("GET", "/v1/keys", query=query)
        return answer

    def all_keys(
        self,
        *,
        project: str | None = None,
    ) -> AsyncIterator[KeyAnswer]:
        """Walk all pages of `read_keys`."""
        query = {"project": project}
        items: AsyncIterator[KeyAnswer] = self.pages("/v1/keys", query=query)
        return items

    async def remove_key(
        self,
        key_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> Deleted:
        """Revoke a key.

        At once in the process that answers, within two seconds in others. It stays in the
        list.
        """
        answer: Deleted = await self.call(
            "DELETE", f"/v1/keys/{self.part(key_id)}", idempotency_key=idempotency_key
        )
        return answer

    async def rotate_key(
        self,
        key_id: str,
        body: KeyRotationBody | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> KeyAnswer:
        """Replace a key by a new one of the same name, scope and end.

        The old one opens for a while yet, so that whoever has it can be given the new one:
        24 hours unless `overlap_seconds` says something else. 409 for one that was revoked
        or has expired.
        """
        answer: KeyAnswer = await self.call(
            "POST",
            f"/v1/keys/{self.part(key_id)}/rotate",
            body=body,
            idempotency_key=idempotency_key,
        )
        return answer

    async def read_audit(
        self,
        *,
        project: str | None = None,
        key: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        order: Literal["desc", "asc"] | None = None,
    ) -> AuditPage:
        """List who did what, newest first or oldest first.

        Each change, each rotation, retry and replay, and each secret that was read, with
        what was there before and after, without secrets. An operator's key sees all
        projects. A page has at most some 4 MiB, and then fewer entries than `limit`.
        """
        query = {
            "project": project,
            "key": key,
            "action": action,
            "subject": subject,
            "since": since,
            "until": until,
            "cursor": cursor,
            "limit": limit,
            "order": order,
        }
        answer: AuditPage = await self.call("GET", "/v1/audit", query=query)
        return answer

    async def reload_configuration(
        self,
        *,
        idempotency_key: str | None = None,
    ) -> ReloadAnswer:
        """Read the configuration of this process again, as SIGHUP does. Only for an operator's
        key.

        With a mistake in it, all of them are told and nothing is changed. What is in force
        in a moment is in `changed`; `restart` has what takes effect at the next start.
        """
        answer: ReloadAnswer = await self.call(
            "POST", "/v1/reload", idempotency_key=idempotency_key
        )
        return answer

    async def set_log_level(
        self,
        body: LogLevelBody,
        *,
        idempotency_key: str | None = None,
    ) -> LogLevelAnswer:
        """Let this process, or one module of it, be heard from a level on. Only for an
        operator's key.

        Until the configuration is read again, or the process starts anew.
        """
        answer: LogLevelAnswer = await self.call(
            "PUT", "/v1/log-level", body=body, idempotency_key=idempotency_key
        )
        return answer
