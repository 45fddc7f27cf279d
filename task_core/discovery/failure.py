"""Why the import of a plugin or of a worker's file failed, in one line."""

import os
import re
from collections.abc import Callable

from task_core.api.worker import describe
from task_core.discovery.found import Found
from task_core.discovery.metadata import headers, normalise


def explain(found: Found, error: BaseException) -> tuple[str, str, str]:
    """Say why a plugin cannot be imported.

    Returns:
        The code of the finding, the cause, and what to do.
    """
    top = found.value.partition(":")[0].partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        reinstall = f"pip install --force-reinstall {found.distribution}"
        if missing == top:
            return "P08", f"its own module '{error.name}' is not there", reinstall
        cause = f"it needs the module '{error.name}', which is not there"
        return "P01", cause, _install(found, missing)
    if isinstance(error, SystemExit):
        cause = f"it ends the process ({error.code!r}) when it is imported"
    else:
        place = last_place(error, lambda name, _: name.partition(".")[0] == top)
        cause = f"{one_line(error)}{place and f' ({place})'}"
    upgrade = f"pip install --upgrade {found.distribution}, or tell its author"
    return "P01", cause, upgrade


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


def _install(found: Found, module: str) -> str:
    """Return how to get a module: the requirement that brings it, if one is known."""
    for header in headers(found.location, "Requires-Dist"):
        requirement = header.partition(";")[0].replace(" ", "")
        if normalise(requirement_name(requirement)) == normalise(module):
            return f"pip install '{requirement}'"
    return (
        f"pip install --force-reinstall {found.distribution},"
        f" or install what brings '{module}'"
    )


def requirement_name(requirement: str) -> str:
    """Return the distribution that a requirement names.

    Example:
        >>> requirement_name("task-framework>=0.1,<1")
        'task-framework'
    """
    match = re.match(r"[\w.-]+", requirement)
    return match[0] if match else ""
