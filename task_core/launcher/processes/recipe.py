"""How a child process makes the worker that its parent was given."""

import logging
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from task_core.api.capabilities import Capabilities
from task_core.api.plugin import WorkerPlugin
from task_core.api.worker import describe
from task_core.errors import UsageError, WorkerError
from task_core.launcher.plan import Plan
from task_core.launcher.signature import AnyWorker

Find = Callable[[], AnyWorker]
"""Finds a worker in another process; it can be pickled."""


@attrs.define(kw_only=True, eq=False)
class Carrier:
    """What a child knows of the bus: enough to refuse what the bus would refuse.

    Args:
        name, capabilities: As of the bus.
    """

    name: str
    capabilities: Capabilities


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Recipe:
    """What a child is told at its start.

    Args:
        process: For `multiprocessing.spawn.prepare`: paths, folder, perhaps the main
            module.
        find: A pickled `Find`.
        rest: What can be read when the worker's module is there: its options, and the
            exceptions after which a task runs again.
        carrier: What is known of the bus.
        timeout, kill_time: As of the plan.
        max_tasks, max_memory: Tasks and bytes after which a child retires; 0: never.
        levels: Of the loggers that have one, by name; that of the root is under "".
    """

    process: Mapping[str, Any]
    find: bytes
    rest: bytes
    carrier: Carrier | None
    timeout: float | None
    kill_time: float
    max_tasks: int
    max_memory: int
    levels: Mapping[str, int]


class Preparing:
    """Whether this process is a child that imports its parent's program.

    Args:
        now: Whether.
    """

    now = False


def write(
    worker: AnyWorker,
    name: str,
    options: Any,
    plan: Plan,
    find: Find | None = None,
) -> Recipe:
    """Return the recipe for the children of a launcher; it has no carrier yet.

    Args:
        worker: What the launcher was given.
        name: Its name.
        options: Its options.
        plan: What the launcher does.
        find: How a child finds the worker; by its module and name when None.

    Raises:
        WorkerError: Another process could not find it.
        UsageError: This is another process, which imports the program.
    """
    if Preparing.now:
        raise UsageError(
            "a program that runs a worker in processes is imported by them: start the"
            ' launcher under  if __name__ == "__main__":'
        )
    found = _dump(find or _finder(worker), f"worker '{name}'")
    return Recipe(
        process=_process(main=b"__main__" in found),
        find=found,
        rest=_dump((options, plan.retry_on), f"options of worker '{name}'"),
        carrier=None,
        timeout=plan.timeout,
        kill_time=plan.kill_time,
        max_tasks=plan.max_tasks_per_child,
        max_memory=plan.max_memory_per_child,
        levels=_levels(),
    )


def find_in(module: str, name: str) -> Any:
    """Return what a module has under a name, perhaps one with dots."""
    __import__(module)
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _finder(worker: AnyWorker) -> Find:
    if isinstance(worker, WorkerPlugin) and worker.target is not None:
        name = getattr(worker.target, "__qualname__", "")
        module = sys.modules.get(getattr(worker.target, "__module__", ""))
        for place in (name, *vars(module)) if module is not None else ():
            if _is_at(worker, str(worker.target.__module__), place):
                return partial(find_in, str(worker.target.__module__), place)
    return partial(_itself, worker)


def _is_at(worker: Any, module: str, place: str) -> bool:
    try:
        return find_in(module, place) is worker
    except (AttributeError, ImportError):
        return False


def _itself(worker: AnyWorker) -> AnyWorker:
    return worker


def _dump(value: Any, what: str) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:  # noqa: BLE001  pickling runs code of whoever wrote it
        raise WorkerError(
            f"{what} cannot go to a process ({describe(error)}): define it by name at"
            " the top of a module"
        ) from None


def _process(*, main: bool) -> dict[str, Any]:
    """Return what `multiprocessing.spawn.prepare` takes."""
    data = {"sys_path": sys.path, "sys_argv": sys.argv, "dir": os.getcwd()}
    module = sys.modules["__main__"]
    if main and module.__spec__ is not None:
        data["init_main_from_name"] = module.__spec__.name
    elif main and getattr(module, "__file__", None):
        data["init_main_from_path"] = os.path.abspath(str(module.__file__))
    return data


def _levels() -> dict[str, int]:
    """Return the levels of loggers, so that children say no more than is wanted."""
    root = logging.getLogger()
    known = root.manager.loggerDict.items()
    own = {n: x.level for n, x in known if isinstance(x, logging.Logger) and x.level}
    return {**own, "": root.level}
