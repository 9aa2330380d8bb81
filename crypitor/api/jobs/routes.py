"""Jobs: work that takes long, to be watched and cancelled."""

from operator import itemgetter

from crypitor.api.jobs.answer import JobAnswer, JobPage
from crypitor.api.jobs.backfill import job_answer
from crypitor.api.jobs.examples import EXAMPLES
from crypitor.api.jobs.query import JobQuery
from crypitor.api.jobs.replay import replay_answer
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.jobs import JobFilter, cancel_job, get_job, list_jobs
from crypitor.database.keys import Scope
from crypitor.database.replays import cancel_replay, get_replay, list_replays

routes = Routes("Jobs", EXAMPLES, "jo_")


@routes.add("GET", "/v1/jobs", scope=Scope.READ)
async def read_jobs(call: Call, query: JobQuery) -> JobPage:
    """List backfills and replays, newest first or oldest first."""
    now, most = call.context.clock(), query.limit + 1

    async def unit(tx: Transaction) -> list[JobAnswer]:
        found: list[JobAnswer] = []
        chosen = JobFilter(query.monitor, query.endpoint, query.status)
        if query.kind != "replay" and query.endpoint is None:
            jobs = await list_jobs(tx, call.project, chosen, most, query.cursor, query.order)
            found += [job_answer(job, now) for job in jobs]
        if query.kind != "backfill":
            replays = await list_replays(tx, call.project, chosen, most, query.cursor, query.order)
            found += map(replay_answer, replays)
        return sorted(found, key=itemgetter("id"), reverse=query.order == "desc")

    found_jobs = await call.read(unit)
    shown = found_jobs[: query.limit]
    return {
        "data": shown,
        "next_cursor": shown[-1]["id"] if len(found_jobs) > query.limit else None,
    }


@routes.add("GET", "/v1/jobs/{id}", scope=Scope.READ)
async def read_job(call: Call, id: str) -> JobAnswer:  # noqa: A002 - as in the path
    """Read a job and how far it has come."""
    now = call.context.clock()

    async def unit(tx: Transaction) -> JobAnswer:
        job = await get_job(tx, call.project, id)
        if job is not None:
            return job_answer(job, now)
        return replay_answer(found(await get_replay(tx, call.project, id), "job"))

    return await call.read(unit, brief=True)


@routes.add("DELETE", "/v1/jobs/{id}", scope=Scope.WRITE)
async def stop_job(call: Call, id: str) -> JobAnswer:  # noqa: A002 - as in the path
    """Cancel a job.

    What it did stays; nothing more is stored or sent again by it once this is answered. One that
    has ended stays as it ended.
    """
    now = call.context.clock()

    async def unit(tx: Transaction) -> Change[JobAnswer]:
        job = await get_job(tx, call.project, id)
        if job is not None:
            answer = job_answer(await cancel_job(tx, job.id, None, now) or job, now)
            return Change(answer, before={**job_answer(job, now)})
        replay = found(await get_replay(tx, call.project, id), "job")
        stopped = replay_answer(await cancel_replay(tx, replay.id, now) or replay)
        return Change(stopped, before={**replay_answer(replay)})

    return await call.change(unit)
