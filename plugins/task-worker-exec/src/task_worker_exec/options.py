"""The options of the worker, and the name that a command gives it."""

import os
import re
import shlex
from collections.abc import Sequence

import attrs

from task_core.api import UrlPart, option

INTERPRETER = re.compile(r"(python|node|ruby|perl|php|bash|dash|sh)[0-9.]*")
INLINE = re.compile("-[a-zA-Z]*[cem]")
"""The options of theirs whose value is a program itself, or the name of a module."""
SCRIPTS = (".py", ".js", ".rb", ".pl", ".php", ".sh")


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


def missing_script(words: Sequence[str]) -> str:
    """Return the script that an interpreter is given and that is not there, or nothing.

    It would start, and wait for the tasks of another type: those of the interpreter.

    Example:
        >>> missing_script(["python3", "-u", "no-such-file.py"])
        'no-such-file.py'
    """
    if not INTERPRETER.fullmatch(os.path.basename(words[0])):
        return ""
    first = next((word for word in words[1:] if not word.startswith("-")), "")
    if any(INLINE.fullmatch(word) for word in words[1 : words.index(first)] if first):
        return ""
    is_script = first.endswith(SCRIPTS) and not os.path.isfile(first)
    return first if is_script else ""


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
