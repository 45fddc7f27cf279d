"""Imports a plugin in a process of its own, where it can hurt nobody.

What this process says is exact: nothing but the core was imported before. What its
functions import when they are called is imported too: a plugin whose client is missing
cannot start.
"""

import dis
import inspect
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import CodeType
from typing import Any

import attrs
import msgspec

from task_core.api.hooks import HooksPlugin
from task_core.api.plugin import Late
from task_core.discovery.explain import use_failed
from task_core.discovery.found import Found
from task_core.discovery.guard import USES, Use
from task_core.discovery.hooks import Listeners, needs_options
from task_core.discovery.loader import check_fields, check_manifest, load
from task_core.discovery.making import make_freely
from task_core.errors import PluginError

PATIENCE = 30.0
"""Seconds that an import may take."""
ARGUMENTS = {"bus": 2, "command": 0}
"""With how many its function is called, by kind; others with one, the options."""
_PROGRAM = "from task_core.discovery.probe import main; main()"


@attrs.frozen(kw_only=True)
class Report:
    """How the import went.

    Args:
        code, cause, fix: What is wrong; all empty when nothing is.
        seconds: How long it took.
        modules: Foreign top-level modules that it brought along.
    """

    code: str = ""
    cause: str = ""
    fix: str = ""
    seconds: float = 0.0
    modules: Sequence[str] = ()


def probe(found: Found, path: Sequence[str]) -> Report:
    """Import an installed plugin in a process of its own.

    Args:
        found: The plugin.
        path: Where its distribution was found, as in `sys.path`.
    """
    places = dict.fromkeys(map(os.path.abspath, [*path, *sys.path]))
    request = {**msgspec.structs.asdict(found), "manifest": None}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            errors="replace",  # what it prints may be anything
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )
    except subprocess.TimeoutExpired:
        return _broken(found, f"importing it takes more than {PATIENCE:.0f} s")
    try:
        return Report(**json.loads(done.stdout))
    except ValueError:
        return _broken(
            found, f"importing it ends the process ({_end(done.returncode)})"
        )


def main() -> None:
    """Answer the question on stdin, as the process that `probe` starts."""
    found = Found(**json.load(sys.stdin))
    out = os.dup(1)
    os.dup2(2, 1)  # what the plugin prints is no answer
    answer = json.dumps(attrs.asdict(examine(found)))
    os.write(out, answer.encode())
    os._exit(0)  # threads that the plugin has started must not keep it


def examine(found: Found) -> Report:
    """Import a plugin in this process."""
    before, begin = set(sys.modules), time.perf_counter()
    try:
        plugin = load(found)
        seconds = time.perf_counter() - begin
        modules = _foreign(found, set(sys.modules) - before)
        if found.kind == "hooks":
            _add_hooks(found, plugin)
        else:
            _import_the_rest(found, plugin)
    except PluginError as error:
        return Report(code=error.code, cause=error.cause, fix=error.fix)
    return Report(seconds=seconds, modules=modules)


def _add_hooks(found: Found, plugin: Any) -> None:
    """See whether hooks can be used; those that need an option cannot be made here.

    Raises:
        PluginError: They cannot.
    """
    if isinstance(plugin, HooksPlugin):
        check_fields(found, plugin)
    if needs_options(plugin):
        check_manifest(found, plugin)
        _import_the_rest(found, plugin)
    else:
        Listeners().add(found, plugin)


def _import_the_rest(found: Found, manifest: Any) -> None:
    """Import what a plugin imports when it is opened or made; make what is free to.

    Raises:
        PluginError: That fails.
    """
    field, doing = USES[found.kind]
    function = getattr(manifest, field)
    function = function.call if isinstance(function, Use) else function
    try:
        if isinstance(function, Late):
            function = function.find()
        _check_arguments(function, field, ARGUMENTS.get(found.kind, 1))
        for name in _imports(getattr(function, "__code__", None)):
            import_module(name)
        make_freely(found, manifest)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise use_failed(found, doing, error) from error


def _check_arguments(function: Any, field: str, count: int) -> None:
    """See whether a function can be called as it will be.

    Raises:
        TypeError: It takes other arguments.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # one of C tells nobody
        return
    try:
        signature.bind(*[None] * count)
    except TypeError:
        text = f"`{field}` takes {signature}, and is called with {count} arguments"
        raise TypeError(text) from None


def _imports(code: CodeType | None) -> Iterator[str]:
    """Yield the modules that a function imports, if nothing is done should it fail."""
    if code is None or code.co_exceptiontable:
        return
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME" and "." not in instruction.argval[:1]:
            yield instruction.argval


def _foreign(found: Found, modules: set[str]) -> list[str]:
    """Return what is neither Python's, nor ours, nor the plugin's own."""
    tops = {name.partition(".")[0] for name in modules}
    own = {found.top, "task_core"}
    foreign = tops - own - sys.stdlib_module_names
    return sorted(name for name in foreign if not name.startswith("_"))


def _broken(found: Found, cause: str) -> Report:
    fix = f"pip install --upgrade {found.distribution}, or tell its author"
    return Report(code="P01", cause=cause, fix=fix)


def _end(code: int) -> Any:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
