"""Workers without packaging: `module:object` or `path/to/file.py:object`."""

import os
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from zlib import crc32

from task_core.api.plugin import WorkerPlugin, worker
from task_core.api.worker import Worker
from task_core.discovery.failure import last_place, one_line
from task_core.discovery.loader import a_kind_of
from task_core.errors import WorkerError
from task_core.nearest import nearest


def load_target(text: str) -> WorkerPlugin:
    """Import a worker from a file or module.

    Args:
        text: `module:object`, `path/to/file.py:object`, or `path/to/file.py` when the
            file holds exactly one worker.

    Raises:
        WorkerError: There is no such file or object, or importing it fails.
    """
    place, _, name = (
        text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    )
    module = _load_file(place) if place.endswith(".py") else _load_module(place)
    if not name:
        name = _only_worker(module, place)
    return _plugin(_object(module, place, name), text, name.rpartition(".")[2])


def _plugin(target: Any, text: str, name: str) -> WorkerPlugin:
    """Make a plugin of what is none yet."""
    if isinstance(target, WorkerPlugin):
        return target
    is_class = isinstance(target, type)
    if is_class and not issubclass(target, Worker):
        raise WorkerError(f"worker '{text}': class {name} is no subclass of Worker")
    if isinstance(target, Worker):
        kind = type(target).__name__
        raise WorkerError(
            f"worker '{text}' is an object: name its class {kind} instead"
        )
    if not callable(target):
        kind = a_kind_of(target)
        raise WorkerError(f"worker '{text}': {kind} is no function and no Worker")
    return worker(name=name.lower().replace("_", "-"))(target)


def _load_file(place: str) -> ModuleType:
    path = Path(place).absolute()
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise WorkerError(f"worker file '{place}' {what}")
    # A name of its own, so that a file called json.py shadows nothing.
    name = f"task_worker_file_{path.stem}_{crc32(str(path).encode()):08x}"
    spec = util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        what = f"worker file '{place}'"
        raise _failed(what, error, lambda _, file: file == str(path)) from error
    return module


def _load_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    what = f"worker module '{name}'"
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name
        if missing and (name == missing or name.startswith(f"{missing}.")):
            text = f"there is no module '{missing}' in {os.getcwd()} or installed"
            raise WorkerError(f"{what}: {text}") from error
        top = name.partition(".")[0]
        raise _failed(what, error, lambda m, _: m.partition(".")[0] == top) from error


def _failed(
    what: str, error: BaseException, is_ours: Callable[[str, str], bool]
) -> WorkerError:
    """Say why a file or module cannot be imported, and where in it."""
    if isinstance(error, SyntaxError):
        return WorkerError(f"{what}: {one_line(error)}")
    if isinstance(error, SystemExit):
        text = f"ends the process ({error.code!r}) when it is imported"
        hint = "put its last lines under if __name__ == '__main__'"
        return WorkerError(f"{what} {text}: {hint}")
    place = last_place(error, is_ours)
    where = f" ({place})" if place else ""
    return WorkerError(f"{what} cannot be imported: {one_line(error)}{where}")


def _object(module: ModuleType, place: str, name: str) -> Any:
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            names = [n for n in vars(module) if not n.startswith("_")]
            raise WorkerError(
                f"there is no '{name}' in '{place}'{nearest(name, names)}"
                f" (workers there: {', '.join(_workers(module)) or 'none'})"
            )
        target = getattr(target, part)
    return target


def _only_worker(module: ModuleType, place: str) -> str:
    names = _workers(module)
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise WorkerError(
            f"name the worker in '{place}' as {place}:NAME (workers there: {found})"
        )
    return names[0]


def _workers(module: ModuleType) -> list[str]:
    """Return the names of the workers: of the most explicit sort that there is."""
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    }
    sorts: list[list[str]] = [
        [name for name, v in vars(module).items() if isinstance(v, WorkerPlugin)],
        [n for n, v in own.items() if isinstance(v, type) and issubclass(v, Worker)],
        [name for name, v in own.items() if isinstance(v, FunctionType)],
    ]
    return next((sorted(names) for names in sorts if names), [])
