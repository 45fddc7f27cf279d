"""The manifests: light, so that help and lists cost nothing."""

from task_core.api import Taskmaster, TaskmasterPlugin
from task_taskmaster_files.options import Options


def make(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster."""
    from task_taskmaster_files.taskmaster import make_taskmaster

    return make_taskmaster(options)


files = TaskmasterPlugin(
    name="files",
    summary="Sends tasks for files: each version of each once.",
    options=Options,
    make=make,
)
