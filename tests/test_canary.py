"""A canary for each kind of secret, looked for in all that a service puts out while much goes wrong."""

import base64
import json
import re
import secrets
import sqlite3
from contextlib import closing
from urllib.parse import quote

import aiohttp

from crypitor.api.build import OPERATIONS
from crypitor.database.ids import RANDOM_BYTES, new_id
from crypitor.database.keys import SECRET_BYTES, make_secret
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.webhook.signature import NEW_BYTES, Signature, new_secret
from tests.canaries import leaks
from tests.ports import free_port
from tests.rig import ADMIN_KEY, Service
from tests.webhook.receivers import raw_receiver, request_of

NODE, URL_PATH, URL_QUERY, HEADER = (f"Canary{kind}0123456789abcdef" for kind in ("Node", "Path", "Query", "Header"))  # fmt: skip
SEAL = base64.b64encode(b"CanarySeal" * 3 + b"ab").decode()
BROKER, COLLECTOR, TOKEN, LETTERS = (f"Canary{kind}0123456789" for kind in ("Broker", "Collector", "Token", "Letters"))  # fmt: skip
NOW = 1_790_000_000_000
PAGES = ("/", "/monitors", "/matches", "/deliveries", "/endpoints", "/networks", "/keys", "/audit", "/about", "/docs", "/login", "/settings", "/projects", "/jobs")  # fmt: skip
STRANGE = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/openapi-3.0.json",
    "/no/such",
    "/v1/monitors?x=1",
)


async def echoing(reader, writer):
    """A receiver that answers with a redirect to what it was asked, and repeats its headers."""
    request = await request_of(reader)
    target, body = request.split(b" ")[1], b"no: " + request
    writer.write(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1" + target
        + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip
    await writer.drain()
    writer.close()


def forms(secret):
    """A secret as it may be written."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}


async def everything(service, key, ids):
    """Return all that a key is answered by every GET, by path; the dashboard's pages as well."""
    told = {}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(service.url, headers=headers, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:  # fmt: skip
        if key:
            async with http.post("/login", data={"key": key}) as answer:
                told["/login"] = str(answer.headers) + await answer.text()
        paths = [*PAGES, *STRANGE]
        for operation in OPERATIONS:
            if operation.method == "GET" and operation.name != "stream_events":
                path = operation.path.replace(
                    "{id}", ids.get("".join(operation.path.split("/")[2:3]), "x")
                )
                paths.append(re.sub(r"\{[a-z]+\}", "dev", path))
        paths += [f"/{kind}/{one}" for kind, one in ids.items()]
        for path in dict.fromkeys(paths):
            async with http.get(path, allow_redirects=False) as answer:
                told[path] = f"{answer.status} {answer.headers} {await answer.text()}"
    return told


def test_secrets_are_known_by_their_form():
    """Those that the service makes, wherever a run of the tests puts one out."""
    made = [
        *(new_secret(secrets.token_bytes(NEW_BYTES), kind) for kind in Signature),
        make_secret(new_id("ke_", NOW, secrets.token_bytes(RANDOM_BYTES)), secrets.token_bytes(SECRET_BYTES)),
        ADMIN_KEY,
    ]  # fmt: skip

    assert [leaks(f'{{"event": "x", "trouble": "of {one}."}}') != [] for one in made] == [True] * 4
    assert (
        leaks("whsec_… ke_01m8pxzcqcjaqn606ww55zxtrh whsec_*** mo_01m8pxzcqcjaqn606ww55zxtrh") == []
    )


async def test_no_secret_is_put_out(tmp_path):
    """
    Not to strangers, readers or operators, by no page, list, metric, document, problem or line of
    the log at its most talkative; but for what a writer sees of an endpoint that he may write.
    """
    chain = SimulatedChain(3, transfers=(2, 3), actors=4)
    async with SimulatorServer(chain) as node, raw_receiver(echoing) as receiver:
        service = Service(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": json.dumps(
                    [
                        f"{node.url}/?key={NODE}",
                        f"http://user:{NODE}@127.0.0.1:{free_port()}/{NODE}",
                    ]
                ),
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.2",
                "CRYPITOR__WEBHOOK__SECRETS_KEY": SEAL,
                "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.1, 0.1, 600]",
                "CRYPITOR__QUEUE__PASSWORD": BROKER,
                "CRYPITOR__TELEMETRY__OTLP": f"http://user:{COLLECTOR}@127.0.0.1:{free_port()}",
                "CRYPITOR__LOG__LEVEL": "debug",
                "CRYPITOR__METRICS__OPEN_TO": "nobody",
            },
        )
        await service.start()
        url = f"{receiver}/{URL_PATH}?token={URL_QUERY}"
        endpoint = await service.post(
            "/v1/endpoints", {"url": url, "headers": {"Authorization": f"Bearer {HEADER}"}}
        )
        chat = await service.post(
            "/v1/endpoints", {"url": f"{receiver}/services/{URL_PATH}", "format": "slack"}
        )
        login = {"Authorization": "Basic " + base64.b64encode(f"user:{LETTERS}".encode()).decode()}
        mail = f"smtp://127.0.0.1:{free_port()}?from=a@example.com&to=b@example.com"
        await service.post("/v1/endpoints", {"url": mail, "format": "email", "headers": login})
        bot = f"https://api.telegram.org/bot{TOKEN}/sendMessage?chat_id=1"
        await service.post("/v1/endpoints", {"url": bot, "format": "telegram"})
        key = await service.post("/v1/keys", {"name": "reader", "scope": "read"})
        monitor = await service.post(
            "/v1/monitors",
            {
                "networks": ["dev"],
                "addresses": [actor.address for actor in chain.actors],
                "endpoints": [endpoint["id"], chat["id"]],
            },
        )
        for _ in range(6):
            chain.mine()
        await service.until_tip("dev", chain.head.number)
        async with service.api() as http:
            for path, body in (
                (f"/v1/endpoints/{endpoint['id']}/ping", None),
                ("/v1/endpoints", {"url": f"ftp://x/{URL_PATH}"}),
                ("/v1/endpoints", {"url": url, "headers": {"Host": HEADER}}),
                (f"/v1/endpoints/{endpoint['id']}/rotate", {"secret": "whsec_x"}),
            ):
                await http.post(path, json=body)
        # The newest may wait: what fails so often opens the circuit.
        tried = []
        while not tried:
            page = await service.get("/v1/deliveries?limit=100")
            tried = [one for one in page["data"] if one["attempt_count"] and one["error"]]
        match = (await service.get("/v1/matches?limit=1"))["data"][0]
        ids = {
            "monitors": monitor["id"], "endpoints": endpoint["id"], "matches": match["id"],
            "deliveries": tried[0]["id"], "keys": key["id"],
        }  # fmt: skip
        with closing(sqlite3.connect(tmp_path / "crypitor.db")) as database:
            ((sealing,),) = database.execute("select secret from epochs").fetchall()
        signing = (await service.get(f"/v1/endpoints/{endpoint['id']}/secret"))["secret"]
        told = {
            who: await everything(service, secret, ids)
            for who, secret in (
                ("stranger", ""),
                ("reader", key["secret"]),
                ("operator", ADMIN_KEY),
            )
        }
    # The node and the receiver are gone: what is said of that is in the log, too.
    async with service.api() as http:
        await http.get("/v1/networks")
    assert await service.stop() == 0
    told["log"] = {"": service.log.read_text()}

    never = {
        "node": NODE, "sealing key": SEAL, "signing secret": signing, "reader's key": key["secret"],
        "admin key": ADMIN_KEY, "broker": BROKER, "collector of traces": COLLECTOR, "cursors": sealing,
    }  # fmt: skip
    writers = {
        "path": URL_PATH,
        "query": URL_QUERY,
        "header": HEADER,
        "bot": TOKEN,
        "mail": login["Authorization"][-16:],
    }
    asked = f"/v1/endpoints/{endpoint['id']}/secret"
    found = [
        (who, path, kind)
        for who, answers in told.items()
        for path, text in answers.items()
        for kind, secret in {**never, **(writers if who != "operator" else {})}.items()
        if any(form in text for form in forms(secret)) and not (who == "operator" and path == asked)
    ]

    assert found == []
    assert len(told["log"][""].splitlines()) > 3
    assert len(told["reader"]) > 40
    assert sum(text.startswith("200") for text in told["operator"].values()) > 35
    assert "attempt" in told["reader"][f"/v1/deliveries/{ids['deliveries']}"]
