"""What a child says of a run becomes the outcome of the job."""

from task_core.api.worker import COMPLETE, Outcome, failed
from task_core.launcher.context import Job, RunContext, SharedContext
from task_core.launcher.processes.frames import Done
from task_core.wire import decode_task


def finish(job: Job, done: Done, shared: SharedContext) -> None:
    """Give a job what its run has left; what cannot be understood is its error."""
    job.took = done.took
    try:
        _take(job, done, shared)
    except Exception as error:  # noqa: BLE001  a child is not to be trusted
        job.outcome = failed(error)
        job.task.ended = job.task.ended or job.task.started


def _take(job: Job, done: Done, shared: SharedContext) -> None:
    """Take over all that was said: the task itself stays, hooks may know it."""
    if done.children:  # first: the run may have put nonsense into what its meta says
        job.context = RunContext(job.task, job.delivery.attempt, shared)
    task, after = job.task, decode_task(done.task)
    task.type, task.job, task.info = after.type, after.job, after.info
    task.created, task.id, task.meta = after.created, after.id, after.meta
    task.result, task.msg = after.result, after.msg
    task.started, task.ended = after.started, after.ended
    if done.kind != COMPLETE.kind or done.msg:
        job.outcome = Outcome(done.kind, done.msg, done.delay)
    else:
        job.outcome = COMPLETE
    job.excepted, job.told = done.excepted, done.told
    if job.context is not None:
        job.context.children = [
            (decode_task(body), topic) for body, topic in done.children
        ]
