"""The service behind a real nginx, by the configuration that is shipped."""

import asyncio
import contextlib
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.rig import ADMIN_KEY, Service
from tests.tls import certificate

pytestmark = pytest.mark.live

SHIPPED = Path(__file__).parents[2] / "deploy/nginx.conf"
NAME = "monitor.example.com"
PATH = re.compile(r'(?:href|action|src|hx-get|hx-post|data-live|data-path)="(/[^"]*)"')
PAGES = ("", "monitors", "monitors/new", "matches", "deliveries", "endpoints", "endpoints/new", "networks", "keys", "audit", "docs", "docs/monitors", "settings", "projects")  # fmt: skip


@pytest.fixture
async def service(tmp_path):
    """The service as the shipped file says that it has to be set up."""
    folder = tmp_path / "service"
    folder.mkdir()
    metrics = str(free_port())
    service = Service(
        folder,
        {
            "CRYPITOR__SERVER__BASE_PATH": "/crypitor",
            "CRYPITOR__SERVER__TRUSTED_PROXIES": "127.0.0.1",
            "CRYPITOR__SERVER__HOSTS": NAME,
            "CRYPITOR__METRICS__PORT": metrics,
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": '["http://127.0.0.1:1"]',
        },
    )
    service.metrics = f"http://127.0.0.1:{metrics}/metrics"
    await service.start(503)
    yield service
    await service.stop()


@contextlib.asynccontextmanager
async def nginx(folder, service, edit=lambda text: text):
    """Run nginx before it; gives what calls it by its name, over TLS that is believed."""
    if shutil.which("nginx") is None:
        pytest.fail("nginx is not installed (Debian: nginx-light)")
    made, port = certificate(folder), free_port()
    text = edit(SHIPPED.read_text()).replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{service.port}")
    text = re.sub(r"(ssl_certificate(?:_key)?) .*;", rf"\1 {made.chain};", text)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )  # fmt: skip
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {places}\n{text}\n}}\n"
    )
    running = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"])  # fmt: skip
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = aiohttp.ClientSession(
        f"https://127.0.0.1:{port}", connector=aiohttp.TCPConnector(ssl=context),
        headers={"Host": NAME}, cookie_jar=aiohttp.DummyCookieJar(),
    )  # fmt: skip
    try:
        async with session, asyncio.timeout(HANG_SECONDS):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    async with session.get("/"):
                        break
                await asyncio.sleep(0.05)
            yield session
    finally:
        running.terminate()
        running.wait()


def taken_off(text):
    """The same where nginx takes the path off by itself."""
    return text.replace("proxy_pass http://crypitor;", "proxy_pass http://crypitor/;")


KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}


@pytest.mark.parametrize("edit", [lambda text: text, taken_off], ids=["as it is", "taken off"])
async def test_it_works_at_a_path_behind_nginx(tmp_path, service, edit):
    """Log-in, every page and what they lead to, the document, its page, the API, and a stream."""
    async with nginx(tmp_path, service, edit) as http:
        stranger = await http.get("/crypitor/monitors", allow_redirects=False)
        entered = await http.post(
            "/crypitor/login", data={"key": ADMIN_KEY, "to": "/monitors"}, allow_redirects=False
        )
        cookie = entered.cookies["crypitor"]
        seen, outside = set(), set()
        for page in PAGES:
            answer = await http.get(f"/crypitor/{page}", headers={"Cookie": f"crypitor={cookie.value}"})  # fmt: skip
            assert answer.status == 200, page
            found = {path.replace("&amp;", "&") for path in PATH.findall(await answer.text())}
            outside |= {path for path in found if not path.startswith("/crypitor/")}
            seen |= found
        broken = []
        for path in sorted(seen - {"/crypitor/live"}):
            answer = await http.get(path, headers={"Cookie": f"crypitor={cookie.value}"})
            # The one is there where `make docs` was run, the others are what `Try it` sends.
            built = not path.startswith(("/crypitor/help/", "/crypitor/v1/"))
            if built and answer.status not in (200, 405):
                broken.append((path, answer.status))
            answer.close()
        document = await (await http.get("/crypitor/openapi.json", headers=KEY)).json()
        made = await http.post("/crypitor/v1/projects", json={"name": "x"}, headers=KEY)
        audit = await (await http.get("/crypitor/v1/audit?limit=1", headers=KEY)).json()
        stream = await http.get("/crypitor/v1/stream", headers=KEY)
        stream.close()

    assert stranger.headers["Location"] == "/crypitor/login?to=%2Fmonitors"
    assert entered.headers["Location"] == "/crypitor/monitors"
    assert (cookie["path"], cookie["secure"], cookie["httponly"]) == ("/crypitor", True, True)
    assert outside == set()
    assert len(seen) > 20
    assert broken == []
    assert document["servers"] == [{"url": "/crypitor"}]
    assert (made.status, stream.status) == (201, 200)
    assert audit["data"][0]["address"] == "127.0.0.1"
    assert stream.headers["Content-Type"] == "text/event-stream"


async def test_strangers_are_told_nothing_through_nginx(tmp_path, service):
    """Though its connection is this machine's own; Prometheus reads at its own port."""
    lies = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "localhost",
        "X-Real-IP": "127.0.0.1",
    }
    async with nginx(tmp_path, service) as http:
        found = {}
        for path in ("metrics", "openapi.json", "readyz", "healthz"):
            for sent in ({}, lies):
                answer = await http.get(f"/crypitor/{path}", headers=sent)
                text = await answer.text()
                found[path, bool(sent)] = answer.status
                assert "troubles" not in text
                assert "127.0.0.1:1" not in text
                assert "aiohttp" not in str(answer.headers)
        async with aiohttp.ClientSession() as direct, direct.get(service.metrics) as answer:
            metrics = await answer.text()

    assert {key: status for key, status in found.items() if key[0] in ("metrics", "openapi.json")} == {
        ("metrics", False): 401, ("metrics", True): 401, ("openapi.json", False): 401, ("openapi.json", True): 401,
    }  # fmt: skip
    assert {found["readyz", lie] for lie in (True, False)} == {503}
    assert "crypitor_monitors" in metrics
