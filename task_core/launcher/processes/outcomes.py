"""What a child says of a run becomes the outcome of the job."""

from msgspec.structs import asdict

from task_core.api.worker import COMPLETE, Outcome
from task_core.launcher.context import Job, RunContext, SharedContext
from task_core.launcher.processes.frames import Done
from task_core.wire import decode_task


def finish(job: Job, done: Done, shared: SharedContext) -> None:
    """Give a job what its run has left: the task itself stays, hooks may know it."""
    for name, value in asdict(decode_task(done.task)).items():
        setattr(job.task, name, value)
    if done.kind != COMPLETE.kind or done.msg:
        job.outcome = Outcome(done.kind, done.msg, done.delay)
    else:
        job.outcome = COMPLETE
    job.took, job.excepted = done.took, done.excepted
    if done.children:
        job.context = RunContext(job.task, job.delivery.attempt, shared)
        job.context.children = [
            (decode_task(body), topic) for body, topic in done.children
        ]
