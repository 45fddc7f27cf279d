"""The manifests of the commands status and top."""

from task_core.api import CommandPlugin

status = CommandPlugin(
    name="status",
    summary="Show what launchers and taskmasters are doing, by their --status.",
    open="task_command_status.command:make_status",
)
top = CommandPlugin(
    name="top",
    summary="Follow what launchers and taskmasters are doing, by their --status.",
    open="task_command_status.command:make_top",
)
