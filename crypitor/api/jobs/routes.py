"""Jobs: work that takes long, to be watched and cancelled."""

from crypitor.api.jobs.answer import JobAnswer
from crypitor.api.jobs.backfill import job_answer
from crypitor.api.jobs.examples import EXAMPLES
from crypitor.api.jobs.replay import replay_answer
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.jobs import cancel_job, get_job
from crypitor.database.keys import Scope
from crypitor.database.replays import cancel_replay, get_replay

routes = Routes("Jobs", EXAMPLES, "jo_")


@routes.add("GET", "/v1/jobs/{id}", scope=Scope.READ)
async def read_job(call: Call, id: str) -> JobAnswer:  # noqa: A002 - as in the path
    """Read a job and how far it has come."""
    now = call.context.clock()

    async def unit(tx: Transaction) -> JobAnswer:
        job = await get_job(tx, call.project, id)
        if job is not None:
            return job_answer(job, now)
        return replay_answer(found(await get_replay(tx, call.project, id), "job"))

    return await call.read(unit)


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
