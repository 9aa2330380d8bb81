"""Starts a backfill: a job that matches past blocks."""

from crypitor.api.jobs.answer import JobAnswer
from crypitor.api.jobs.body import BackfillBody
from crypitor.api.jobs.examples import EXAMPLES
from crypitor.api.jobs.replay import check_open_jobs
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.reading import summary
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.jobs import Job, JobStatus, insert_job
from crypitor.database.keys import Scope
from crypitor.database.monitors import get_monitor
from crypitor.database.past import matched_tip
from crypitor.database.removed import removed_blocks
from crypitor.errors import Conflict, Invalid, Mistake
from crypitor.webhook.body import rfc3339

routes = Routes("Monitors", EXAMPLES, "mo_")

_LONGEST_SECONDS = 100 * 365 * 86_400


@routes.add("POST", "/v1/monitors/{id}/backfill", scope=Scope.WRITE, status=202, problems=(409,))
async def start_backfill(call: Call, id: str, body: BackfillBody) -> JobAnswer:  # noqa: A002
    """Match past blocks.

    A job that reads them beside the live path, oldest first, and goes on after a restart. What it
    finds is stored and delivered like any match; a match that exists is not sent again. It asks
    what the monitor asks at the time when a block is read, whether the monitor is enabled or not,
    and waits while a healthy endpoint has many deliveries before it. A project has at most 100
    jobs that have not ended.
    """
    context = call.context
    job_id = call.new_id("jo_")

    async def unit(tx: Transaction) -> Change[JobAnswer]:
        monitor = found(await get_monitor(tx, call.project, id), "monitor")
        if body.network not in monitor.networks or body.network not in context.networks:
            raise _refused("/network", f"this monitor watches {', '.join(monitor.networks)}")
        tip = await matched_tip(tx, body.network)
        blocks = _blocks(body, tip)
        _check_removed(blocks, await removed_blocks(tx, id, body.network))
        await check_open_jobs(tx, call.project)
        job = await insert_job(tx, job_id, call.project, id, body.network, blocks, context.clock())
        answer = job_answer(job, context.clock())
        return Change(answer, grows=("backfill_blocks_per_day",))

    return await call.change(unit)


def job_answer(job: Job, now: int) -> JobAnswer:
    """Return a job as JSON has it. now: unix milliseconds."""
    rate, left = job.blocks_per_second, job.to_block - job.position
    expected = None
    if job.status is JobStatus.RUNNING and rate and left / rate < _LONGEST_SECONDS:
        expected = rfc3339(now + round(1000 * left / rate))
    return {
        "id": job.id,
        "kind": "backfill",
        "monitor": job.monitor_id,
        "network": job.network,
        "status": job.status.value,
        "from_block": job.from_block,
        "to_block": job.to_block,
        "blocks_done": job.position - job.from_block + 1,
        "blocks_total": job.to_block - job.from_block + 1,
        "matches_found": job.matches_found,
        "matches_new": job.matches_new,
        "blocks_per_second": rate and round(rate, 1),
        "expected_at": expected,
        "trouble": job.trouble,
        "created_at": rfc3339(job.created_at),
        "started_at": None if job.started_at is None else rfc3339(job.started_at),
        "finished_at": None if job.finished_at is None else rfc3339(job.finished_at),
    }


def _blocks(body: BackfillBody, tip: int | None) -> range:
    """Return the heights that are asked for. Raises Conflict where not all of them are matched."""
    if tip is None:
        raise _refused("/network", "no block of this network has been matched yet")
    last = tip if body.to_block is None else body.to_block
    for name, height in (("from_block", body.from_block), ("to_block", last)):
        if height > tip:
            raise _refused(
                f"/{name}", f"above {tip}, the tip; later blocks are matched as they come"
            )
    if body.from_block > last:
        mistake = Mistake("/from_block", f"above to_block, {last}")
        raise Invalid(summary([mistake]), [mistake])
    return range(body.from_block, last + 1)


def _check_removed(blocks: range, removed: range) -> None:
    """Raise Conflict where matches of these blocks were removed: they would come back as new."""
    if removed and blocks[0] < removed.stop and removed.start <= blocks[-1]:
        raise _refused(
            "/from_block",
            f"matches of the blocks {removed[0]} to {removed[-1]} were removed after their time, "
            "and would be told again as new; leave these blocks out, or ask with another monitor",
        )


def _refused(pointer: str, detail: str) -> Conflict:
    mistake = Mistake(pointer, detail)
    return Conflict(summary([mistake]), [mistake])
