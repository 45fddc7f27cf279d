"""The manifest of the command bench."""

from task_core.api import CommandPlugin

bench = CommandPlugin(
    name="bench",
    summary="Measure a bus: sending, receiving, settling, and latency.",
    open="task_command_bench.command:make",
)
