"""A million addresses: adding, searching, removing, loading, and what matching a block costs."""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import msgspec
import uvloop

from bench.blocks import addresses, block
from bench.figures import figure, ratio
from bench.measuring import in_turn, loop_holds, spread
from bench.world import World, world
from crypitor.evm.types import Address, Block
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Kind, Monitor, Phase, rule_of
from crypitor.process.upkeep import REST_SECONDS, leftovers

SEED = 4
COUNT = 1_000_000
QUICK_COUNT = 100_000
HITS = 5
INLINE = 10_000
QUIET_SECONDS = 5.0
ROUNDS = 60
SEARCHES = 100


def bench(*, quick: bool = False) -> dict:
    """Measure everything."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(QUICK_COUNT if quick else COUNT))


async def _measured(count: int) -> dict:
    watched = addresses(count, SEED)
    found: dict = {"addresses": count}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await _live(folder, watched, found)
    found["matching"] = {"addresses": _by_addresses(watched), "monitors": _by_monitors()}
    return found


async def _live(folder: Path, watched: list[Address], found: dict) -> None:
    file = folder / "addresses.csv"
    file.write_text("\n".join(watched))
    size = folder / "crypitor.db"
    async with (
        world(folder, watched[:HITS]) as service,
        aiohttp.ClientSession(
            service.url, headers={"Authorization": f"Bearer {service.key}"}
        ) as session,
    ):
        async with session.post("/v1/monitors", json={"networks": ["ethereum"]}) as answer:
            path = f"/v1/monitors/{(await answer.json())['id']}"
        found["quiet"] = await _beside(service, asyncio.sleep(QUIET_SECONDS))
        for name, method in (("adding", "POST"), ("adding_again", "POST")):
            found[name] = await _beside(service, _sent(service, method, path, file))
        found["searching"] = await _searching(session, path, watched)
        await _loading(folder, found)
        found["file_mb"] = round(size.stat().st_size / 1e6, 1)
        for name, method in (("removing", "DELETE"), ("adding_after_removal", "POST")):
            found[name] = await _beside(service, _sent(service, method, path, file))
        for name, patch in (("disabling", False), ("enabling", True)):
            found[name] = await _beside(service, _patched(session, path, {"enabled": patch}))
        inline = {"addresses": watched[:INLINE]}
        found["replacing_by_10000"] = await _beside(service, _patched(session, path, inline))
        found["removing_what_it_replaced"] = await _beside(service, _emptied(service))
        found["deleting_the_monitor"] = await _beside(service, _deleted(session, path))


async def _beside(service: World, work) -> dict:
    """Run something while blocks are matched; tell how it went and how they fared."""
    first = len(service.stream.seconds)
    started, worked = time.perf_counter(), time.process_time()
    async with loop_holds() as late:
        answer = await work
    seconds = time.perf_counter() - started
    cpu_seconds = time.process_time() - worked
    await asyncio.sleep(0.5)
    return {
        **(answer or {"seconds": round(seconds, 2)}),
        "cpu_seconds": round(cpu_seconds, 2),
        "blocks": spread(service.stream.seconds[first:]),
        "loop_late": spread(late),
        "index": service.index.addresses,
    }


async def _sent(service: World, method: str, path: str, file: Path) -> dict:
    said = await _run("bench.sending", method, f"{service.url}{path}/addresses", service.key, file)
    return {
        "seconds": round(said["seconds"], 2),
        "answer": {k: v for k, v in said["answer"].items() if isinstance(v, int)},
    }


async def _patched(session: aiohttp.ClientSession, path: str, patch: dict) -> None:
    async with session.patch(path, json=patch) as answer:
        assert answer.status == 200, await answer.text()


async def _deleted(session: aiohttp.ClientSession, path: str) -> None:
    async with session.delete(path) as answer:
        assert answer.status == 200, await answer.text()


async def _emptied(service: World) -> None:
    sweep = leftovers(service.database)
    while await sweep.step():  # noqa: ASYNC110 - rests as the service does
        await asyncio.sleep(REST_SECONDS)


async def _searching(
    session: aiohttp.ClientSession, path: str, watched: list[Address]
) -> dict[str, dict]:
    taken: dict[str, list[float]] = {"by_prefix": [], "one_address": []}
    for address in watched[:: max(1, len(watched) // SEARCHES)]:
        for name, end in (("by_prefix", f"?search={address[:6]}"), ("one_address", f"/{address}")):
            started = time.perf_counter()
            async with session.get(f"{path}/addresses{end}") as answer:
                assert answer.status == 200
                await answer.read()
            taken[name].append(time.perf_counter() - started)
    return {name: spread(seconds) for name, seconds in taken.items()}


async def _loading(folder: Path, found: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        async with world(Path(name), ()):
            pass
        found["loading_nothing"] = await _run("bench.loading", f"sqlite:///{name}/crypitor.db")
    found["loading"] = await _run("bench.loading", f"sqlite:///{folder}/crypitor.db")
    found["loading"]["more_than_nothing_mb"] = round(
        found["loading"]["memory_after_mb"] - found["loading_nothing"]["memory_after_mb"], 1
    )


async def _run(module: str, *arguments: object) -> dict:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{module} failed"
    return json.loads(out.splitlines()[-1])


def _by_addresses(watched: list[Address]) -> dict:
    """Compare blocks without a hit among 1,000 and among all addresses."""
    few, many = _index([watched[:1000]]), _index([watched])
    return compared(few, many)


def _by_monitors() -> dict:
    """Compare blocks without a hit with 10 and 10,000 monitors of ten addresses each.

    Each has rules of every kind, and asks about an event and a function that nobody else names.
    """
    lists = [addresses(10, SEED + 1 + number) for number in range(10_000)]
    return compared(_index(lists[:10]), _index(lists))


def _index(lists: list[list[Address]]) -> Index:
    index = Index()
    for number, listed in enumerate(lists):
        asked = (
            rule_of(Kind.EVENT, signature=f"event Told{number}(address who)", where="1 > 2"),
            rule_of(Kind.CALL, signature=f"function tell{number}(address who)", where="1 > 2"),
            rule_of(Kind.DEPLOYMENT),
        )
        index.put(replace(MONITOR, id=f"mo_{number}", rules=(*DEFAULT_RULES, *asked)))
        index.add_addresses(f"mo_{number}", [(address, None) for address in listed])
    return index


def compared(few: Index, many: Index, rounds: int = ROUNDS) -> dict:
    """Return what a block costs with each of two indexes, both in turn."""
    wire = [msgspec.json.encode(block(number, "0x", seed=9)) for number in range(10)]

    def fresh(number: int) -> Block:
        # As a block comes in: no string of it has been hashed before.
        return msgspec.json.decode(wire[number % len(wire)], type=Block)

    blocks: list[list[Block]] = [[fresh(n) for n in range(rounds)] for _ in range(2)]
    small, large = in_turn(
        [
            lambda n: find_matches(blocks[0][n], "ethereum", 1, few),
            lambda n: find_matches(blocks[1][n], "ethereum", 1, many),
        ],
        rounds,
    )
    return {
        "few": {"addresses": few.addresses, "monitors": len(few), "match": figure(small, "ms")},
        "many": {"addresses": many.addresses, "monitors": len(many), "match": figure(large, "ms")},
        "many / few": ratio(large, small),
    }


MONITOR = Monitor(
    id="mo_1", project_id="pr_1", name="", networks=("ethereum",), rules=DEFAULT_RULES,
    any_address=False, endpoints=(), notify=frozenset(Phase), confirmations=None, tags=(), note="",
    enabled=True, created_at=0, updated_at=0,
)  # fmt: skip
