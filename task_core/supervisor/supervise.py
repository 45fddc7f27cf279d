"""The entrance for commands of plugins."""

from collections.abc import Sequence

from task_core.api.command import Supervised
from task_core.supervisor.child import Child
from task_core.supervisor.fleet import Fleet
from task_core.supervisor.screen import Screen


def supervise(programs: Sequence[Supervised]) -> int:
    """Run processes until all have ended for good, or a signal comes.

    Args:
        programs: What to run.

    Returns:
        The exit code.
    """
    screen = Screen([one.name for one in programs])
    children = [Child(it.launch, it.name, it.restart, screen) for it in programs]
    return Fleet(children, screen.announce).run()
