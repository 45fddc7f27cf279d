"""The manifests of the commands: light, so that help and lists cost nothing."""

from task_core.api import CommandPlugin

workflow = CommandPlugin(
    name="workflow",
    summary="Check, show, start, question and convert files of workflows.",
    open="task_taskmaster_workflow.command:make",
)
backload = CommandPlugin(
    name="backload",
    summary="Plan tasks for a range of dates; send them with --send.",
    open="task_taskmaster_workflow.backload_command:make",
)
