"""The manifest: light, so that help and lists cost nothing."""

from task_core.api import Taskmaster, TaskmasterPlugin
from task_taskmaster_cron.options import Options


def make(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster."""
    from task_taskmaster_cron.taskmaster import make_taskmaster

    return make_taskmaster(options)


cron = TaskmasterPlugin(
    name="cron",
    summary="Sends tasks at the times that a rules file tells.",
    options=Options,
    make=make,
)
