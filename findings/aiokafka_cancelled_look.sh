#!/usr/bin/env bash
# aiokafka's max_poll_interval_ms is not in force any more after a cancelled getmany().
#
# One would guess: a consumer whose application takes no records for longer than max_poll_interval_ms
# leaves its group, so that others get its partitions; and to bound `getmany()` by `asyncio.timeout`, as
# one has to while a group forms, changes nothing about that.
# True: with aiokafka 0.14.0 a look that is cancelled is never counted as over. From then on the time
# without a look is always 0, and a consumer that hangs keeps its partitions for as long as its heartbeats
# go on in the background.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install aiokafka==0.14.0
cat >"$folder/ask.py" <<'PY'
import asyncio

from aiokafka.consumer.subscription_state import SubscriptionState

IDLE_SECONDS = 0.5


async def idle_after(cancelled):
    """What counts as the time without a look, half a second after the only one ended."""
    # `getmany` waits for records within this context; what leaves the group asks for the idle time.
    state = SubscriptionState()

    async def look():
        with state.fetch_context():
            await asyncio.sleep(10 if cancelled else 0)

    try:
        async with asyncio.timeout(0.05):
            await look()
    except TimeoutError:
        pass
    await asyncio.sleep(IDLE_SECONDS)
    return state.fetcher_idle_time


async def main():
    ended = await idle_after(cancelled=False)
    cut_off = await idle_after(cancelled=True)
    print(f"without a look for {IDLE_SECONDS} s, after one that ended: idle for {ended:.2f} s")
    print(f"without a look for {IDLE_SECONDS} s, after one that was cancelled: idle for {cut_off:.2f} s")
    assert ended >= IDLE_SECONDS * 0.9 and cut_off == 0, "aiokafka counts otherwise now"


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/ask.py"
echo "as described"
