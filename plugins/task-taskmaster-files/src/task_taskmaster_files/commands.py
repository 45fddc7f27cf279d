"""The manifest of the command: light, so that help and lists cost nothing."""

from task_core.api import CommandPlugin

files = CommandPlugin(
    name="files",
    summary="Check rules for files, and list the files that they mean.",
    open="task_taskmaster_files.command:make",
)
"""`task files`: check, list."""
