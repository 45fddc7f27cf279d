"""Serves the status page of a launch."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from task_core import __version__
from task_core.config.selection import Settings
from task_core.launcher.facts import info_of, pages_of, taskmaster_info, unready
from task_core.launcher.launcher import Launcher
from task_core.launcher.plan import Hooks
from task_core.launcher.status import Pages, StatusServer
from task_core.launcher.taskmasters.loop import TaskmasterLoop

log = logging.getLogger("task")


@contextlib.contextmanager
def serving(
    settings: Settings, hooks: Hooks, what: Sequence[Launcher] | TaskmasterLoop
) -> Iterator[StatusServer]:
    """Serve what is to be known of launchers, or of a taskmaster.

    Args:
        settings: Tell the address.
        hooks: May have further pages.
        what: What runs.

    Raises:
        UsageError: The address cannot be had.
    """
    info, why_not = _sources(settings, what)
    pages = Pages(info=info, unready=why_not, other=pages_of(hooks))
    server = StatusServer(settings.command.status, pages)
    log.info("status: %s", server.address)
    try:
        yield server
    finally:
        server.close()


def _sources(
    settings: Settings, what: Sequence[Launcher] | TaskmasterLoop
) -> tuple[Callable[[], Mapping[str, Any]], Callable[[], str]]:
    """Return what tells the facts, and what tells why it is not ready."""
    if not isinstance(what, TaskmasterLoop):
        return partial(info_of, what, __version__), partial(unready, what)
    assert settings.taskmaster is not None  # it has been made
    name = settings.taskmaster.plugin.name
    return partial(taskmaster_info, what, name, __version__), lambda: what.unready
