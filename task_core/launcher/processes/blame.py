"""Who is to blame for the end of a child process: what it was at, and nobody else."""

import logging

from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.launcher.at_work import about, name_of
from task_core.launcher.context import Job, SharedContext, stamp_unrun
from task_core.launcher.processes.ends import TIMEOUT
from task_core.launcher.processes.process import Process
from task_core.launcher.timeouts import time_out

log = logging.getLogger("task")


def blame(
    one: Process, how: str, shared: SharedContext, clock: Clock
) -> tuple[Job | None, list[Job]]:
    """Return the job that a process was at, with its outcome, and the others.

    Args:
        one: The process; it has ended.
        how: How.
        shared: The timeout.
        clock: Measures and stamps.
    """
    jobs = [*one.jobs.values()]
    if one.leaving or not (one.ready and jobs):
        return None, jobs
    guilty, *innocent = jobs
    guilty.took = clock.monotonic() - one.since
    stamp_unrun(guilty.task, clock)
    if one.ended_by == TIMEOUT and one.limit is not None:
        time_out(guilty, shared, one.limit)
        log.warning(
            "task %s: %s; SIGTERM did not end it: its process was killed",
            name_of(guilty),
            guilty.outcome.msg,
            extra=about(guilty),
        )
    else:
        guilty.outcome = failed(f"its process {how}")
        guilty.killed = how
    return guilty, innocent
