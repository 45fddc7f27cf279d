"""The worker of `task demo`: it works, fails, or dies, as its info says."""

import os

from task_core.api import Outcome, WorkerContext, complete, interrupted, worker


@worker
def demo(info: str, ctx: WorkerContext) -> Outcome:
    """Do as the info says."""
    if info == "fail":
        raise ValueError("there is no such table")
    if info == "kill":
        os._exit(1)  # as a crash of a C library would
    if ctx.wait(0.2):
        return interrupted()
    return complete(f"loaded {info}")
