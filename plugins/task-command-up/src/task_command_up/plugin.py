"""The manifest of the command up."""

from task_core.api import CommandPlugin

up = CommandPlugin(
    name="up",
    summary="Run all workers and taskmasters of a TOML file, each as a process.",
    open="task_command_up.command:make",
)
