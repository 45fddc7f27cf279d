"""The manifest of the command: light, so that lists cost nothing."""

from task_core.api import CommandPlugin

http = CommandPlugin(
    name="http",
    summary="Make tokens for those who send tasks by HTTP, and check rules.",
    open="task_taskmaster_http.command:make",
)
