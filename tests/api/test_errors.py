"""Every form of error is a problem document; every answer has a request id."""

import asyncio
import io
import re
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from yarl import URL

from crypitor.api import SERVER_OPTIONS, build
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.precedence import Precedence
from tests.patience import HANG_SECONDS

JSON = {"Content-Type": "application/json"}
MONITORS = "/v1/monitors"

ERRORS = [
    ("GET", "/nothing", {}, 404, "there is nothing at this path; /docs has all that are"),
    ("GET", "/v1/jobz/jo_1", {}, 404, "there is nothing at this path; /docs has all that are"),
    ("GET", f"{MONITORS}/mo_x", {}, 404, "there is no such monitor"),
    ("GET", f"{MONITORS}/mo_%00", {}, 404, "there is no such thing"),
    ("PUT", MONITORS, {}, 405, "PUT is not possible here; these are: GET, HEAD, POST"),
    ("POST", MONITORS, {"data": b"{}"}, 415, "the body has to be application/json"),
    ("POST", MONITORS, {"data": b"{}", "headers": {**JSON, "Content-Encoding": "gzip"}}, 415, "send the body without Content-Encoding"),
    ("POST", MONITORS, {"data": b'{"a":\n 1,}', "headers": JSON}, 400, "this is not JSON: trailing comma in object (line 2, column 4)"),
    ("POST", MONITORS, {"data": b'{"a":', "headers": JSON}, 400, "this is not JSON: it ends too early"),
    ("POST", MONITORS, {"data": b"", "headers": JSON}, 400, "this is not JSON: it ends too early"),
    ("POST", MONITORS, {"data": b"[" * 100_000, "headers": JSON}, 400, "the JSON is nested too deeply"),
    ("POST", MONITORS, {"data": b"[]", "headers": JSON}, 400, "the body has to be a JSON object"),
    ("POST", MONITORS, {"data": b'{"a":"\xff"}', "headers": JSON}, 400, None),
    ("POST", MONITORS, {"json": {}, "headers": {"Idempotency-Key": "a b"}}, 400, None),
    ("GET", f"{MONITORS}?limit=0", {}, 400, "?limit: this has to be greater than or equal to 1"),
    ("GET", f"{MONITORS}?limit=1001", {}, 400, "?limit: this has to be less than or equal to 1000"),
    ("GET", f"{MONITORS}?limit=1e2", {}, 400, "?limit: this has to be a number from 1 to 1000"),
    ("GET", f"{MONITORS}?limit=1&limit=2", {}, 400, "?limit: this parameter is given twice"),
    ("GET", f"{MONITORS}?statis=1", {}, 400, "?statis: there is no such field"),
    ("GET", f"{MONITORS}?netwrok=dev", {}, 400, "?netwrok: there is no such field; did you mean 'network'?"),
    ("GET", f"{MONITORS}/mo_x?a=1", {}, 400, "?a: there is no such field"),
    ("GET", "/v1/matches?since=yesterday", {}, 400, "?since: this has to be a time as in RFC 3339: 2026-11-22T15:00:00Z"),
    ("GET", "/v1/matches?since=2026-02-30T00:00:00Z", {}, 400, "?since: there is no such day"),
    ("GET", "/v1/deliveries?cursor=x", {}, 400, None),
    ("GET", "/v1/networks/nowhere", {}, 404, "there is no such network"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "options", "status", "detail"), ERRORS)
async def test_error_is_a_problem_document(api, method, path, options, status, detail):
    """Type, title, status and detail, in application/problem+json, with a request id."""
    answer, problem = await api.call(method, path, **options)

    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == status
    assert detail in (None, problem["detail"])
    assert answer.headers["X-Request-Id"]


async def test_body_beyond_the_limit_is_too_large(api):
    """More than 1 MiB of JSON is 413."""
    body = io.BytesIO(b'{"note": "' + b"x" * 4 * 1024 * 1024 + b'"}')

    answer, problem = await api.call("POST", MONITORS, data=body, headers=JSON)

    assert (answer.status, problem["detail"]) == (413, "the body is longer than 1 MiB")


async def test_a_length_beyond_the_limit_is_refused_before_the_body(api):
    """Whoever says how much comes is told at once; nothing of it need be sent."""
    place = URL(api.url)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    head = f"POST {MONITORS} HTTP/1.1\r\nHost: {place.authority}\r\nAuthorization: Bearer {api.admin}\r\n"
    writer.write(
        f"{head}Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n".encode()
    )
    async with asyncio.timeout(HANG_SECONDS):
        answered = await reader.readline()
    writer.close()

    assert answered == b"HTTP/1.1 413 Request Entity Too Large\r\n"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_expectation_that_nobody_knows_is_a_problem(api, method):
    """417 as all errors are, which repeats nothing; it is answered before all else."""
    answer, problem = await api.call(method, MONITORS, headers={"Expect": "200-<b>"})

    assert (answer.status, problem["title"]) == (417, "Expectation failed")
    assert answer.content_type == "application/problem+json"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<b>" not in str(problem)


async def test_a_body_that_waits_for_leave_is_asked_for(api):
    """By 100 Continue, as curl wants it for what is long."""
    body = {"networks": ["dev"], "name": "waited"}
    answer, made = await api.call("POST", MONITORS, json=body, expect100=True)

    assert (answer.status, made["name"]) == (201, "waited")


async def test_wrong_method_names_the_right_ones(api):
    """405 carries Allow."""
    answer, _ = await api.call("PATCH", MONITORS)

    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_head_is_get_without_a_body(api):
    """HEAD answers as GET does, without the body."""
    answer, body = await api.call("HEAD", "/healthz")

    assert (answer.status, body) == (200, None)


@pytest.mark.parametrize("given", ["req-1", "a" * 128, "4bf92f35:77b3/4da6=+@"])
async def test_sane_request_id_is_kept(api, given):
    """The caller's id comes back."""
    answer, _ = await api.call("GET", "/healthz", headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "<script>", "\u00e9"])
async def test_other_request_id_is_replaced(api, given):
    """An id that has no business in a log is replaced by one of ours."""
    answer, _ = await api.call("GET", "/healthz", headers={"X-Request-Id": given})

    assert re.fullmatch("[0-9a-f]{24}", answer.headers["X-Request-Id"])


class DownDatabase:
    """A database that is down, which no test can do to a real one in less than its timeouts."""

    first = Precedence()

    async def read(self, _work, **_how):
        raise DatabaseUnavailable("PostgreSQL secret-host: refused", retry_after=1.2)

    write = read


async def test_outage_is_503_with_a_time_to_wait(api):
    """What is down is 503 with Retry-After, and says nothing of where it is."""
    down = replace(api.context, database=DownDatabase(), auth=False)

    async with TestServer(build(down)) as server:
        await server.start_server(**SERVER_OPTIONS)
        async with api.session.get(server.make_url("/v1/monitors")) as answer:
            problem = await answer.json(content_type=None)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert "secret-host" not in str(problem)


async def test_our_own_mistake_is_500_and_in_the_log_alone(api):
    """What nobody expected is 500 without its text; the log has it, with its traceback."""
    await api.context.database.write(lambda tx: tx.run("drop table attempts"))
    await api.context.database.write(lambda tx: tx.run("drop table deliveries"))

    with capture_logs() as logs:
        answer, problem = await api.call("GET", "/v1/deliveries")

    assert answer.status == 500
    assert "deliveries" not in str(problem)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("unexpected error", "error")
    ]
    assert logs[0]["exc_info"]
