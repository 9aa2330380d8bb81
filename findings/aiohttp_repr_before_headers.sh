#!/usr/bin/env bash
# Printing an aiohttp response that has no headers yet makes the request fail.
#
# One would guess: `repr()` of a ClientResponse changes nothing, whenever it is asked for: a logger, a
# debugger or an instrument that prints what is under way may do so.
# True: with aiohttp 3.14.5 `repr(response)` before the head of the answer has come reads `headers`, which is
# None then and is kept from its first reading. When the head comes, `start()` reads the kept None and
# ends with AttributeError: 'NoneType' object has no attribute 'getall'. The server answered 200.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install aiohttp==3.14.5
cat >"$folder/ask.py" <<'PY'
import asyncio

from aiohttp import ClientResponse, ClientSession, web


class Printed(ClientResponse):
    async def start(self, connection):
        print("before the head has come:", repr(self).splitlines()[0])
        return await super().start(connection)


async def said(url, kind):
    async with ClientSession(response_class=kind) as http:
        try:
            async with http.get(url) as answer:
                return f"{answer.status} {await answer.text()}"
        except AttributeError as error:
            return str(error)


async def main():
    app = web.Application()

    async def hello(request):
        return web.Response(text="hello")

    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    plain, printed = await said(url, ClientResponse), await said(url, Printed)
    await runner.cleanup()
    print("not printed:", plain)
    print("printed:", printed)
    assert plain == "200 hello"
    assert printed == "'NoneType' object has no attribute 'getall'"


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/ask.py"
echo "as described"
