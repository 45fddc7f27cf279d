"""The manifest of the taskmaster: light, so that help and lists cost nothing."""

from task_core.api import Taskmaster, TaskmasterPlugin
from task_taskmaster_workflow.options import Options


def make(options: Options) -> Taskmaster:
    """Read the files, and make the taskmaster."""
    from task_taskmaster_workflow.taskmaster import make_taskmaster

    return make_taskmaster(options)


workflow = TaskmasterPlugin(
    name="workflow",
    summary="Sends tasks at times and after others are done, as files of phases tell.",
    options=Options,
    make=make,
)
