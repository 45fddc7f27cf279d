"""The manifest of the command demo."""

from task_core.api import CommandPlugin

demo = CommandPlugin(
    name="demo",
    summary="See it work: ten seconds, nothing to set up, nothing left behind.",
    open="task_command_demo.command:make",
)
