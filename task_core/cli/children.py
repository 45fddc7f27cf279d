"""How a child process of a launcher finds the worker: as the command line named it."""

from typing import Any

from task_core.builtin import PLUGINS
from task_core.discovery.catalog import Catalog


def find_worker(text: str) -> Any:
    """Return the manifest of a worker.

    Args:
        text: As `--worker` takes it; relative to the folder in which the parent was.

    Raises:
        PluginError, WorkerError: It cannot be loaded here.
    """
    return Catalog.scan(PLUGINS).manifest("worker", text)[0]
