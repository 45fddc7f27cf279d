"""Workers without packaging: `module:object` or `path/to/file.py:object`."""

import os
import sys
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any

from task_core.api.plugin import WorkerPlugin, worker
from task_core.api.worker import Worker
from task_core.discovery.loader import one_line
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
    place, _, name = text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    module = _load_file(place) if place.endswith(".py") else _load_module(place)
    target = _object(module, place, name) if name else _only_worker(module, place)
    if isinstance(target, WorkerPlugin):
        return target
    if isinstance(target, type) and not issubclass(target, Worker):
        raise WorkerError(f"worker '{text}': class {name} is no subclass of Worker")
    if not callable(target):
        kind = type(target).__name__
        raise WorkerError(f"worker '{text}': a {kind} is no function and no Worker")
    return worker(target)


def _load_file(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        what = "a directory" if path.is_dir() else "not there"
        raise WorkerError(f"worker file '{place}' is {what}")
    # A name of its own, so that a file called json.py shadows nothing.
    spec = util.spec_from_file_location(f"task_worker_file_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise WorkerError(_why(f"worker file '{place}'", error, path)) from error
    return module


def _load_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name
        if missing and (name == missing or name.startswith(f"{missing}.")):
            text = f"there is no module '{name}' here or installed"
            raise WorkerError(f"worker module '{name}': {text}") from error
        raise WorkerError(_why(f"worker module '{name}'", error, None)) from error


def _why(what: str, error: BaseException, path: Path | None) -> str:
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}" if error.lineno else "somewhere"
        return f"{what} has a syntax error in {where}: {error.msg}"
    if isinstance(error, SystemExit):
        return f"{what} exits ({error.code!r}) when it is imported"
    line = _last_line(error, path) if path else 0
    return f"{what} cannot be imported: {one_line(error)}{f', line {line}' * bool(line)}"


def _last_line(error: BaseException, path: Path) -> int:
    line, trace = 0, error.__traceback__
    while trace:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _object(module: ModuleType, place: str, name: str) -> Any:
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            names = [n for n in vars(module) if not n.startswith("_")]
            workers = ", ".join(sorted(_workers(module))) or "none"
            raise WorkerError(
                f"there is no '{name}' in '{place}'{nearest(name, names)}"
                f" (workers there: {workers})"
            )
        target = getattr(target, part)
    return target


def _only_worker(module: ModuleType, place: str) -> Any:
    workers = _workers(module)
    if len(workers) != 1:
        found = ", ".join(sorted(workers)) or "none"
        raise WorkerError(
            f"name the worker in '{place}' as {place}:NAME (workers there: {found})"
        )
    return next(iter(workers.values()))


def _workers(module: ModuleType) -> dict[str, Any]:
    return {name: v for name, v in vars(module).items() if isinstance(v, WorkerPlugin)}
