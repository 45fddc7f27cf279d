"""The worker. `@worker` makes the function an entry point as it stands."""

from task_core.api import worker


@worker
def hello(info: str) -> str:
    """Say what the task's info says."""
    return info
