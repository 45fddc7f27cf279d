"""Plugins without packaging: `module:object` or `path/to/file.py:object`.

They become entry points like any other, so that one loader imports them.
"""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn
from zlib import crc32

import attrs

from task_core.api.decorators import taskmaster, worker
from task_core.api.part import a_kind_of
from task_core.api.plugin import TaskmasterPlugin, WorkerPlugin
from task_core.api.taskmaster import Taskmaster
from task_core.api.worker import Worker
from task_core.discovery.found import Found
from task_core.errors import WorkerError, nearest


def locate(kind: str, text: str) -> Found:
    """Return the entry point of a plugin in a file or module; it is not imported yet.

    Args:
        kind: `worker`, `taskmaster` or `hooks`.
        text: `module:object`, `path/to/file.py:object`, or `path/to/file.py` when the
            file holds exactly one.

    Raises:
        WorkerError: There is no such file.
    """
    whole = text.endswith(".py")
    place, _, name = (text, "", "") if whole else text.rpartition(":")
    if ".py:" in place:  # what follows the file is one name, however it is written
        file, _, name = text.partition(".py:")
        place = f"{file}.py"
    if place.startswith(".") and not place.endswith(".py"):
        raise WorkerError(
            f"{kind} '{text}': '{place}' is no module: a file ends in .py"
        )
    module = _placed(place, kind) if place.endswith(".py") else place
    if module == place and os.getcwd() not in sys.path:
        _look_in(os.getcwd())
    value = f"{module}:{name}" if name else module
    return Found(kind=kind, name=name or text, value=value, given=text)


def _placed(place: str, kind: str) -> str:
    """Put a file where `import` finds it, and return the name to import it by."""
    path = Path(place).absolute()
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise WorkerError(f"{kind} file '{place}' {what}")
    path = path.parent.resolve() / path.name
    # Whatever it is given for, and however its path is written, it is one module.
    # A dot would make it part of a package, which nobody has.
    stem = path.stem.replace(".", "_")
    name = f"task_file_{stem}_{crc32(_real(path).encode()):08x}"
    if _is_free(path.stem, path) and not NamedFiles.has(name):
        name = path.stem
    else:  # a file called json.py shadows nothing
        NamedFiles.add(name, path)
    # It sees its neighbours, and what it starts by means of `multiprocessing` gets
    # this path, and so finds the file by its name.
    _look_in(str(path.parent))
    return name


def _look_in(folder: str) -> None:
    """Let `import` find what is in a folder before what is installed.

    Not before what is Python's own: a queue.py in there would break the launcher, and
    whatever else imports the real one from then on.
    """
    library = os.path.dirname(os.__file__)
    own = [
        index
        for index, place in enumerate(sys.path)
        if place == library or os.path.basename(place) == "lib-dynload"
    ]
    sys.path.insert(max(own, default=-1) + 1, folder)


def _is_free(name: str, path: Path) -> bool:
    """Whether a file can have its own name as a module."""
    if "." in name:
        return False
    if loaded := sys.modules.get(name):
        return _real(getattr(loaded, "__file__", None)) == _real(path)
    spec = find_spec(name)
    return spec is None or _real(spec.origin) == _real(path)


def _real(place: str | Path | None) -> str:
    """Return where a file is, without links: several paths may lead to it."""
    return os.path.realpath(place) if place else ""


class NamedFiles:
    """Finds the files whose names other modules have."""

    _places: dict[str, Path] = {}  # noqa: RUF012  as `sys.modules`, there is one

    @classmethod
    def add(cls, name: str, path: Path) -> None:
        """Let `import` find a file by a name of our making."""
        cls._places[name] = path
        if cls not in sys.meta_path:
            sys.meta_path.append(cls)

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether it has given that name to a file."""
        return name in cls._places

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        """Answer `import`."""
        place = cls._places.get(name)
        return place and spec_from_file_location(name, place)


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


def manifest_of(found: Found, target: Any) -> Any:
    """Make a manifest of what a file or module holds.

    Args:
        found: Its entry point.
        target: What was imported: the object, or the module that holds just one.

    Raises:
        WorkerError: It is none, or there are several.
    """
    sort = SORTS[found.kind]
    name = found.name
    if isinstance(target, ModuleType):
        name = _only_one(target, found.place, sort)
        target = getattr(target, name)
    if isinstance(target, sort.manifest):
        return target
    what, wanted = f"{sort.kind} '{found.given}'", sort.base.__name__
    for other in SORTS.values():
        if isinstance(target, other.manifest):
            raise WorkerError(f"{what} is a {other.kind}: give it with --{other.kind}")
    if isinstance(target, type) and not issubclass(target, sort.base):
        raise WorkerError(f"{what}: class {target.__name__} is no subclass of {wanted}")
    if isinstance(target, sort.base):
        kind = type(target).__name__
        raise WorkerError(f"{what} is an object: name its class {kind} instead")
    if not callable(target):
        raise WorkerError(f"{what}: {a_kind_of(target)} is no function and no {wanted}")
    own = name.rpartition(".")[2]
    return sort.declare(name=own.lower() if isinstance(target, type) else own)(target)


def missing(found: Found) -> WorkerError:
    """Return the error that says that a module has no such object, and what it has."""
    module = sys.modules[found.module]
    names = [name for name in vars(module) if not name.startswith("_")]
    if sort := SORTS.get(found.kind):
        members = _members(module, sort)
    else:
        members = names = [name for name in names if _hooks(getattr(module, name))]
        if _hooks(module):
            members = [f"its own: give '{found.place}' alone", *members]
    return WorkerError(
        f"there is no '{found.name}' in '{found.place}'{nearest(found.name, names)}"
        f" ({found.kind.removesuffix('s')}s there: {', '.join(members) or 'none'})"
    )


def _hooks(thing: Any) -> bool:
    """Whether a thing is a manifest of hooks, or has some."""
    if isinstance(thing, type):  # hooks are an object's
        return False
    if {"api", "summary", "make"} <= {*dir(thing)}:
        return True
    place = thing if isinstance(thing, ModuleType) else type(thing)
    functions = (getattr(place, name, None) for name in dir(place))
    return any(hasattr(one, "task_core_impl") for one in functions)


def _only_one(module: ModuleType, place: str, sort: Sort) -> str:
    names, kind = _members(module, sort), sort.kind
    if len(names) > 1:
        found = ", ".join(names)
        raise WorkerError(
            f"name the {kind} in '{place}' as {place}:NAME ({kind}s there: {found})"
        )
    return names[0] if names else _nothing(module, place, kind)


def _nothing(module: ModuleType, place: str, kind: str) -> NoReturn:
    """Say that there is nothing of a kind, and what there is."""
    for other in SORTS.values():
        if names := _members(module, other):
            found, flag = ", ".join(names), f"--{other.kind}"
            text = f"there is a {other.kind} in '{place}' ({found}), and no {kind}"
            raise WorkerError(f"{text}: give it with {flag}")
    text = f"write @{kind} above a function"
    raise WorkerError(f"there is no {kind} in '{place}': {text}")


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
