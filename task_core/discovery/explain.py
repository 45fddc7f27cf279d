"""The words for what cannot be had: an unknown name, a conflict, a failed import."""

import os
import sys
from collections.abc import Callable, Collection, Sequence

from task_core.api.worker import describe
from task_core.discovery.findings import needs_newer_core
from task_core.discovery.found import GROUPS, Found
from task_core.discovery.installed import UNREAD, misplaced, unreadable
from task_core.discovery.remedies import again, install_for, with_colon
from task_core.errors import (
    FrameworkError,
    PluginError,
    PluginImportError,
    WorkerError,
    nearest,
)

SHIPPED = {
    ("bus", "kafka"): "task-bus-kafka",
    ("bus", "nsq"): "task-bus-nsq",
    ("bus", "redis"): "task-bus-redis",
    ("bus", "rediss"): "task-bus-redis",
    ("bus", "nats"): "task-bus-nats",
    ("bus", "postgres"): "task-bus-postgres",
    ("bus", "postgresql"): "task-bus-postgres",
    ("bus", "sqlite"): "task-bus-sqlite",
    ("worker", "django"): "task-django",
    ("worker", "exec"): "task-worker-exec",
    ("taskmaster", "cron"): "task-taskmaster-cron",
    ("taskmaster", "workflow"): "task-taskmaster-workflow",
    ("taskmaster", "files"): "task-taskmaster-files",
    ("taskmaster", "http"): "task-taskmaster-http",
    ("taskmaster", "retry"): "task-taskmaster-retry",
    ("command", "backload"): "task-taskmaster-workflow",
    ("command", "backup-sqlite"): "task-bus-sqlite",
    ("command", "bench"): "task-command-bench",
    ("command", "demo"): "task-command-demo",
    ("command", "files"): "task-taskmaster-files",
    ("command", "http"): "task-taskmaster-http",
    ("command", "retry"): "task-taskmaster-retry",
    ("command", "postgres"): "task-bus-postgres",
    ("command", "status"): "task-command-status",
    ("command", "top"): "task-command-status",
    ("command", "up"): "task-command-up",
    ("command", "workflow"): "task-taskmaster-workflow",
    ("hooks", "once"): "task-hooks-once",
    ("hooks", "otel"): "task-hooks-otel",
    ("hooks", "prometheus"): "task-hooks-prometheus",
}
"""What the folder `plugins` builds, by kind and name: the distributions."""
_BASES = ("task-rules", "task-store")
BESIDE = {
    "task-command-demo": ("task-bus-sqlite",),
    "task-taskmaster-cron": ("task-rules",),
    "task-taskmaster-files": _BASES,
    "task-taskmaster-http": _BASES,
    "task-taskmaster-retry": _BASES,
    "task-taskmaster-workflow": _BASES,
}
"""What some of them need of the others: who installs from a checkout names it."""
NO_URL = "whose name can begin no URL (lower-case letters, digits and dashes can)"
Reasons = tuple[str, str, str]
"""Code of the finding, cause, and what to do."""


def unknown(
    kind: str,
    name: str,
    installed: Collection[str],
    hidden: Sequence[Found] = (),
    path: Sequence[str] = (),
) -> str:
    """Say that there is no such plugin, what there is, and how to get it.

    Args:
        kind, name: What was asked for.
        installed: The names of that kind that there are.
        hidden: The plugins of that name that the environment disables.
        path: Folders in which it may be under another group.
    """
    if hidden:
        return (
            f"{hidden[0].label} is disabled by TASK_PLUGINS or TASK_PLUGINS_DISABLED:"
            " change that variable"
        )
    verb = "are" if kind == "hooks" else "is"
    lines = [f"there {verb} no {kind} '{name}'{nearest(name, installed)}"]
    if (head := name.partition(":")[0]) != name and head in installed:
        lines.append(
            f"there {verb} '{head}', {NO_URL}: give it alone, options as flags"
        )
    for one in misplaced(path):
        if one.name == name:
            what = f"{one.owner} has a '{name}' in the entry-point group '{one.kind}'"
            lines.append(f"{what}, which nothing reads{nearest(one.kind, GROUPS)}")
    for one, why in unreadable(path):
        lines.append(f"{one.owner} may have it: {UNREAD}: {why}")
    lines.append(f"installed: {', '.join(installed) or 'none'}")
    if hint := shipped(kind, name):
        lines.append(hint)
    lines.append(f"looked where {sys.executable} looks; 'task plugins list' shows all")
    if kind == "worker":
        lines.append("a worker may also be given as module:object or file.py:object")
    if kind == "bus":
        lines.append("a bus may also be given as NAME://PLACE, as in file://tasks.json")
    return "\n".join(lines)


def shipped(kind: str, name: str) -> str:
    """Say how to get a plugin that the project ships; nothing of others."""
    package = SHIPPED.get((kind, name))
    if package is None:
        return ""
    places = [f"./plugins/{one}" for one in (*BESIDE.get(package, ()), package)]
    checkout = f"in a checkout: pip install {' '.join(places)}"
    return f"to get it: {install_command(package)} ({checkout})"


def conflict(owners: Sequence[Found]) -> str:
    """Say that several distributions claim one name, and how to choose."""
    kind, name = owners[0].kind, owners[0].name
    alone = len({found.owner for found in owners}) == 1
    claims = " and ".join(f"{f.owner}{f' ({f.value})' * alone}" for f in owners)
    return f"{kind} '{name}' is claimed by {claims}: {choice(owners)}"


def choice(owners: Sequence[Found]) -> str:
    """Say how to choose among those who claim one name."""
    strangers = [found for found in owners if found.installed]
    if not strangers:
        return "register one of them under another name"
    first, last = strangers[0], strangers[-1]
    if len(owners) > 1 and {found.distribution for found in owners} == {
        first.distribution
    }:
        return f"the author of {first.distribution} must rename one of them"
    ways = [
        f"pip uninstall {last.distribution}",
        f"hide it with TASK_PLUGINS_DISABLED={last.distribution}",
    ]
    if not owners[0].builtin and last.kind not in ("hooks", "command"):
        flag = f"--{last.kind} {first.distribution}:{first.name}"
        ways.append(f"choose one by {flag}")
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def install_command(package: str, *flags: str) -> str:
    """Return the command that installs a package beside this framework.

    Args:
        package: The distribution.
        flags: For pip, for example `--upgrade`.
    """
    if "/pipx/" in sys.prefix:
        return f"pipx inject task-framework {package}"
    if "/uv/tools/" in sys.prefix:
        return f"uv tool install task-framework --with {package}"
    return " ".join(("pip install", *flags, package))


def import_failed(found: Found, error: BaseException) -> FrameworkError:
    """Return the error that says why a plugin or a file cannot be imported."""
    if found.given:
        return _not_imported_here(found, error)
    code, cause, fix = reasons(found, error)
    cause = f"it cannot be imported: {cause}"
    text = f"{found.full_label}: {cause}: {fix}"
    return PluginImportError(text, code=code, cause=cause, fix=fix)


def use_failed(found: Found, doing: str, error: BaseException) -> PluginError:
    """Return the error that says why a plugin cannot be opened, made or run.

    Args:
        found: The plugin.
        doing: What was tried, for example `opening it`.
        error: What it raised.
    """
    code, cause, fix = reasons(found, error)
    return broken(found, f"{doing} failed: {cause}", code=code, fix=fix)


def broken(
    found: Found, cause: str, *, code: str = "P02", fix: str = ""
) -> PluginError:
    """Return the error that says what is wrong with a plugin, and whose it is."""
    fix = fix or ("mend it" if found.given else "tell its author")
    text = f"{found.full_label}: {cause}: {fix}"
    return PluginError(text, code=code, cause=cause, fix=fix)


def reasons(found: Found, error: BaseException) -> Reasons:
    """Return code, cause and remedy of what came out of a plugin."""
    own = isinstance(error, ImportError) and (error.name or "").partition(".")[0]
    if own == "task_core" and (newer := needs_newer_core(found)):
        return newer.code, newer.cause, newer.fix
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        if missing == found.top:
            return _own_missing(found, error)
        cause = f"it needs the module '{error.name}', which is not there"
        return "P01", cause, install_for(found, missing)
    if isinstance(error, SystemExit):
        cause = f"it ends the process ({error.code!r}) when it is imported"
    else:
        place = last_place(error, lambda name, _: name.partition(".")[0] == found.top)
        cause = f"{one_line(error)}{place and f' ({place})'}"
    if found.given:
        return "P01", cause, "mend it"
    upgrade = f"pip install --upgrade {found.distribution}, or tell its author"
    return "P01", cause, upgrade


def _own_missing(found: Found, error: ModuleNotFoundError) -> Reasons:
    """Say that a module of its own is not there, or that a dot should be a colon."""
    name = str(error.name)
    inside = last_place(error, lambda name, _: name.partition(".")[0] == found.top)
    if (meant := with_colon(name)) and not inside:
        place = meant.partition(":")[0]
        fix = f"with a colon, '{meant}' is what is in '{place}': its author can mend it"
        return "P02", f"its own module '{name}' is not there", fix
    return "P08", f"its own module '{name}' is not there", again(found)


def _not_imported_here(found: Found, error: BaseException) -> WorkerError:
    """Say why a file or module cannot be imported, and where in it."""
    place, is_file = found.place, found.place.endswith(".py")
    what = f"{found.kind} {'file' if is_file else 'module'} '{place}'"
    missing = isinstance(error, ModuleNotFoundError) and error.name
    if missing and f"{place}.".startswith(f"{missing}."):
        text = f"there is no module '{missing}' in {os.getcwd()} or installed"
        return WorkerError(f"{what}: {text}")
    if isinstance(error, SyntaxError):
        return WorkerError(f"{what}: {one_line(error)}")
    if isinstance(error, SystemExit):
        text = f"ends the process ({error.code!r}) when it is imported"
        hint = "put its last lines under if __name__ == '__main__'"
        return WorkerError(f"{what} {text}: {hint}")
    where = last_place(error, lambda name, _: name.partition(".")[0] == found.top)
    line = f"{one_line(error)}{where and f' ({where})'}"
    return WorkerError(f"{what} cannot be imported: {line}")


def one_line(error: BaseException) -> str:
    """Say an exception in one line."""
    if isinstance(error, SyntaxError):
        place = f"{os.path.basename(error.filename or '?')}:{error.lineno or '?'}"
        return f"syntax error in {place}: {error.msg}"
    return describe(error)


def last_place(error: BaseException, is_ours: Callable[[str, str], bool]) -> str:
    """Return file and line where an error left the code that it is about.

    Args:
        error: What was caught.
        is_ours: Takes the name of a module and its file.
    """
    place, trace = "", error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if is_ours(trace.tb_frame.f_globals.get("__name__", ""), file):
            place = f"{os.path.basename(file)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
