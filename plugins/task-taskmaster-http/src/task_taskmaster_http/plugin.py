"""The manifest: light, so that help and lists cost nothing."""

from task_core.api import Taskmaster, TaskmasterPlugin
from task_taskmaster_http.options import Options


def make(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster."""
    from task_taskmaster_http.taskmaster import make_taskmaster

    return make_taskmaster(options)


http = TaskmasterPlugin(
    name="http",
    summary="Sends the tasks that requests bring, and answers when they are confirmed.",
    options=Options,
    make=make,
)
