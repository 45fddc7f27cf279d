"""The options of the worker, and the name that a command gives it."""

import os
import shlex

import attrs

from task_core.api import UrlPart, option


@attrs.frozen(kw_only=True)
class ExecOptions:
    """Options of the worker `exec`."""

    command: str = option(
        help="The program, and its arguments as a shell would split them.",
        url=UrlPart.LOCATION,
        metavar="COMMAND",
    )
    once: bool = option(False, help="Start a new process for each task.")


def split_command(command: str) -> list[str]:
    """Split a command into its program and arguments.

    Raises:
        ValueError: A quotation does not end.
    """
    return [command] if os.path.isfile(command) else shlex.split(command)


def name_of(options: ExecOptions) -> str:
    """Return the type of the tasks of a command: the name of its program.

    That is the first word that names a file here, without its ending: the script, not
    what interprets it; else the first word.

    Example:
        >>> name_of(ExecOptions(command="./load.sh --fast"))
        'load'
    """
    try:
        words = split_command(options.command)
    except ValueError:
        return ""  # it is refused when it is to run
    files = [word for word in words if os.path.isfile(word)]
    program = (files or words or [""])[0]
    return os.path.basename(program).partition(".")[0]
