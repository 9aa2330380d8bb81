"""The service as its REST API shows it: what it has, and the calls that change it."""

import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from crypitor.api.endpoints.body import EndpointBody
from crypitor.api.monitors.body import MonitorBody
from crypitor.cli.declared.files import Addresses, Table
from crypitor.cli.declared.forms import (
    Held,
    answered,
    endpoint_form,
    endpoint_key,
    keyed,
    monitor_form,
)
from crypitor.config import Config
from crypitor.config.paths import admin_key_path
from crypitor.errors import ConfigError, CrypitorError, Unavailable, words_of
from crypitor.evm.types import Address
from crypitor.runtime.certificates import believing
from crypitor.runtime.redaction import shown

PAGE = 1000
TIMEOUT_SECONDS = 120.0


def local_key(config: Config) -> str:
    """Return the admin key of this installation; empty where there is none to be read."""
    if config.api.admin_key is not None:
        return config.api.admin_key.get_secret_value()
    try:
        return admin_key_path(config).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


class Refused(CrypitorError):
    """The service does not accept a request.

    places: pointer into what was sent → what is wrong there.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        detail = problem.get("detail") or problem.get("title") or "no reason given"
        super().__init__(f"the service answered {status}: {detail}")
        self.places = [
            (str(one["pointer"]), str(one["detail"])) for one in problem.get("errors") or ()
        ]


def _believed(certificate: str) -> ssl.SSLContext | bool:
    try:
        return believing(certificate) if certificate else True
    except OSError as error:
        raise ConfigError(
            "configuration", [f"server.tls_certificate: {certificate}: {words_of(error)}"]
        ) from error


class Remote:
    """The API of one service; `async with` opens and closes it.

    certificate: file with the only one that is believed; empty for all that the system trusts.
    The methods raise Unavailable where the service cannot be reached, Refused where it says no.
    """

    def __init__(self, url: str, key: str, certificate: str = "") -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._certificate = certificate
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            connector=aiohttp.TCPConnector(ssl=_believed(self._certificate)),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def held(self) -> list[Held]:
        """Return all endpoints and monitors, those made first first."""
        endpoints = [
            Held(
                "endpoints",
                answer["id"],
                endpoint_key(answer),
                "",
                endpoint_form(answered(EndpointBody, answer)),
            )
            async for answer in self._pages("/v1/endpoints")
        ]
        monitors = [
            Held(
                "monitors",
                answer["id"],
                answer["name"],
                "",
                monitor_form(answered(MonitorBody, answer)),
                answer["addresses"] == "any",
                tuple(answer["endpoints"]),
            )
            async for answer in self._pages("/v1/monitors")
        ]
        return keyed([*reversed(endpoints), *reversed(monitors)])

    async def addresses(self, monitor: Held) -> Addresses:
        """Return all addresses of a monitor."""
        if monitor.any_address:
            return "any"
        path = f"/v1/monitors/{monitor.id}/addresses"
        return {answer["address"]: answer["label"] async for answer in self._pages(path)}

    async def reload(self) -> tuple[list[str], list[str]]:
        """Let it read its configuration again; return what changed, and what needs a restart."""
        answer = await self._ask("POST", "/v1/reload")
        return answer["changed"], answer["restart"]

    async def set_log_level(self, level: str, module: str | None) -> None:
        """Let its process, or a module of it, be heard from a level on."""
        await self._ask("PUT", "/v1/log-level", json={"level": level, "module": module})

    async def create(self, table: Table, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a resource and return it as the service has it; an endpoint with its secret."""
        made: dict[str, Any] = await self._ask("POST", f"/v1/{table}", json=body)
        return made

    async def change(self, table: Table, resource_id: str, patch: Mapping[str, Any]) -> None:
        """Change a resource by a merge patch."""
        await self._ask("PATCH", f"/v1/{table}/{resource_id}", json=patch)

    async def delete(self, table: Table, resource_id: str) -> None:
        """Delete a resource."""
        await self._ask("DELETE", f"/v1/{table}/{resource_id}")

    async def add_addresses(
        self, monitor_id: str, entries: Iterable[tuple[Address, str | None]]
    ) -> None:
        """Add addresses, or change their labels."""
        await self._addresses("POST", monitor_id, entries)

    async def remove_addresses(
        self, monitor_id: str, entries: Iterable[tuple[Address, str | None]]
    ) -> None:
        """Remove addresses."""
        await self._addresses("DELETE", monitor_id, entries)

    async def _addresses(
        self, method: str, monitor_id: str, entries: Iterable[tuple[Address, str | None]]
    ) -> None:
        lines = "".join(
            json.dumps({"address": address, "label": label}) + "\n" for address, label in entries
        )
        if lines:
            await self._ask(
                method,
                f"/v1/monitors/{monitor_id}/addresses",
                data=lines.encode(),
                headers={"Content-Type": "application/x-ndjson"},
            )

    def _way_in(self) -> str:
        given = "another key is needed" if self._key else "no key was given"
        return (
            f"{given}: name one by --key or CRYPITOR_KEY (`crypitor key create --name cli --scope"
            " write` makes it); without them the admin.key beside the database is taken, where it"
            " can be read"
        )

    async def _pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            query = {"limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
            page = await self._ask("GET", path, params=query)
            for answer in page["data"]:
                yield answer
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        assert self._session is not None
        try:
            async with self._session.request(method, self._url + path, **request) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = _reason(error)
            raise Unavailable(f"{shown(self._url)} cannot be reached: {reason}") from error
        try:
            answer = json.loads(text)
        except json.JSONDecodeError as error:
            raise Unavailable(
                f"{shown(self._url)} answered {response.status}, and not as a Crypitor does"
            ) from error
        if response.status == HTTPStatus.UNAUTHORIZED:
            raise Refused(response.status, {"detail": f"{answer.get('detail')}; {self._way_in()}"})
        if response.status >= 400:
            raise Refused(response.status, answer)
        return answer


def _reason(error: Exception) -> str:
    """Return why there was no answer, for people."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error) or "no answer in time"
    refused = isinstance(error.os_error, ConnectionRefusedError)
    return (
        words_of(error.os_error) + "; nothing listens there: is `crypitor run` running?" * refused
    )
