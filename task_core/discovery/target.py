"""Plugins without packaging: `module:object` or `path/to/file.py:object`."""

import os
import sys
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from zlib import crc32

import attrs

from task_core.api.plugin import TaskmasterPlugin, WorkerPlugin, taskmaster, worker
from task_core.api.taskmaster import Taskmaster
from task_core.api.worker import Worker
from task_core.discovery.failure import last_place, one_line
from task_core.discovery.loader import a_kind_of
from task_core.errors import WorkerError, nearest


def load_target(text: str, kind: str = "worker") -> Any:
    """Import a worker or taskmaster from a file or module.

    Args:
        text: `module:object`, `path/to/file.py:object`, or `path/to/file.py` when the
            file holds exactly one.
        kind: `worker` or `taskmaster`.

    Returns:
        Its manifest.

    Raises:
        WorkerError: There is no such file or object, or importing it fails.
    """
    sort = SORTS[kind]
    place, _, name = (
        text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    )
    load = _load_file if place.endswith(".py") else _load_module
    module = load(place, kind)
    if not name:
        name = _only_one(module, place, sort)
    return _plugin(_object(module, place, name, sort), text, name, sort)


@attrs.frozen(kw_only=True, eq=False)
class Sort:
    """What may be given as a file: the names and types of a kind."""

    kind: str
    manifest: type
    base: type
    declare: Callable[..., Any]


SORTS = {
    "worker": Sort(kind="worker", manifest=WorkerPlugin, base=Worker, declare=worker),
    "taskmaster": Sort(
        kind="taskmaster",
        manifest=TaskmasterPlugin,
        base=Taskmaster,
        declare=taskmaster,
    ),
}


def _plugin(target: Any, text: str, name: str, sort: Sort) -> Any:
    """Make a plugin of what is none yet."""
    if isinstance(target, sort.manifest):
        return target
    what, wanted = f"{sort.kind} '{text}'", sort.base.__name__
    if isinstance(target, type) and not issubclass(target, sort.base):
        raise WorkerError(f"{what}: class {target.__name__} is no subclass of {wanted}")
    if isinstance(target, sort.base):
        kind = type(target).__name__
        raise WorkerError(f"{what} is an object: name its class {kind} instead")
    if not callable(target):
        raise WorkerError(f"{what}: {a_kind_of(target)} is no function and no {wanted}")
    own = name.rpartition(".")[2].lower().replace("_", "-")
    return sort.declare(name=own)(target)


def _load_file(place: str, kind: str) -> ModuleType:
    path = Path(place).absolute()
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise WorkerError(f"{kind} file '{place}' {what}")
    # A name of its own, so that a file called json.py shadows nothing.
    name = f"task_{kind}_file_{path.stem}_{crc32(str(path).encode()):08x}"
    spec = util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        what = f"{kind} file '{place}'"
        raise _failed(what, error, lambda _, file: file == str(path)) from error
    return module


def _load_module(name: str, kind: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    what = f"{kind} module '{name}'"
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


def _object(module: ModuleType, place: str, name: str, sort: Sort) -> Any:
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            names = [n for n in vars(module) if not n.startswith("_")]
            raise WorkerError(
                f"there is no '{name}' in '{place}'{nearest(name, names)}"
                f" ({sort.kind}s there: {', '.join(_members(module, sort)) or 'none'})"
            )
        target = getattr(target, part)
    return target


def _only_one(module: ModuleType, place: str, sort: Sort) -> str:
    names = _members(module, sort)
    if len(names) != 1:
        found, kind = ", ".join(names) or "none", sort.kind
        raise WorkerError(
            f"name the {kind} in '{place}' as {place}:NAME ({kind}s there: {found})"
        )
    return names[0]


def _members(module: ModuleType, sort: Sort) -> list[str]:
    """Return the names of the workers: of the most explicit sort that there is."""
    everything = vars(module).items()
    own = [
        (name, value)
        for name, value in everything
        if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
    ]
    layers: list[list[str]] = [
        [name for name, v in everything if isinstance(v, sort.manifest)],
        [n for n, v in own if isinstance(v, type) and issubclass(v, sort.base)],
        [name for name, v in own if isinstance(v, FunctionType)],
    ]
    return next((sorted(names) for names in layers if names), [])
