"""The manifests: light, so that help and lists cost nothing."""

from task_core.api import CommandPlugin, Taskmaster, TaskmasterPlugin
from task_taskmaster_retry.options import Options


def make(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster."""
    from task_taskmaster_retry.taskmaster import make_taskmaster

    return make_taskmaster(options)


retry = TaskmasterPlugin(
    name="retry",
    summary="Sends failed tasks again, later, by rules.",
    options=Options,
    make=make,
)
command = CommandPlugin(
    name="retry",
    summary="Check rules for failed tasks.",
    open="task_taskmaster_retry.command:make",
)
