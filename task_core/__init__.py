"""task: tasks over message buses. Plugin authors import from `task_core.api`.

Programs find here what sends, calls and reads, and what runs workers and taskmasters;
it is loaded when asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from task_core.client.aio import AsyncClient, connect_async
    from task_core.client.client import Client
    from task_core.client.connect import connect, open_bus
    from task_core.launcher.launcher import make_launcher
    from task_core.launcher.programs import LauncherThread, run_launcher, run_once
    from task_core.launcher.taskmasters.loop import TaskmasterLoop

__all__ = [
    "AsyncClient",
    "Client",
    "LauncherThread",
    "TaskmasterLoop",
    "connect",
    "connect_async",
    "make_launcher",
    "open_bus",
    "run_launcher",
    "run_once",
]

_PLACES = {
    "AsyncClient": "task_core.client.aio",
    "Client": "task_core.client.client",
    "LauncherThread": "task_core.launcher.programs",
    "TaskmasterLoop": "task_core.launcher.taskmasters.loop",
    "connect": "task_core.client.connect",
    "connect_async": "task_core.client.aio",
    "make_launcher": "task_core.launcher.launcher",
    "open_bus": "task_core.client.connect",
    "run_launcher": "task_core.launcher.programs",
    "run_once": "task_core.launcher.programs",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
