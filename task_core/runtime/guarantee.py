"""The line at the start that says what this launcher promises."""

from task_core.capabilities import Capabilities


def promise(capabilities: Capabilities) -> str:
    """Name the guarantee that a bus with these capabilities allows."""
    if capabilities.atomic_settle:
        return "at least once, settled atomically"
    if capabilities.ack and (capabilities.nack or capabilities.lease):
        return "at least once"
    return "at most once: this bus cannot take a task back from a killed worker"
