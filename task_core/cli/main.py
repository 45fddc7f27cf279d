"""The command `task`, and what it says when something goes wrong."""

import io
import os
import signal
import sys
import traceback
from types import TracebackType

import click

from task_core import __version__
from task_core.cli.commands import FULL, BrokenElsewhereError, CommandTable
from task_core.cli.stdout import give_up_untold, kept_streams, open_streams, tell
from task_core.errors import BusError, FrameworkError, UsageError, excerpt
from task_core.shown import shown

EXAMPLES = """\
Examples:

\b
  echo '{"type":"hello","info":"World"}' | task launch --worker hello
  task send hello World | task launch --worker ./my_worker.py:hello
  task plugins list
"""


@click.command(
    cls=CommandTable,
    help="Run tasks over message buses: a pipe, a file, or a broker.\n\n" + EXAMPLES,
    epilog="'task COMMAND --help' shows a command's options and examples.",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 120,  # longer lines are hard to read
    },
    no_args_is_help=True,
)
@click.version_option(
    __version__,
    "-V",
    "--version",
    message=(
        f"task-framework {__version__},"
        f" Python {sys.version_info.major}.{sys.version_info.minor}"
    ),
)
@click.option("--debug", is_flag=True, help="Add the traceback to errors.")
def cli(debug: bool) -> None:
    """Is replaced by the help text above."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        args: The words after `task`; those of the process when not given.
    """
    code = _run(_without_debug(sys.argv[1:] if args is None else args))
    if args is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Python forgets an interrupt that comes while it ends; the kernel does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    give_up_untold()
    sys.exit(code)


def _run(args: list[str]) -> int:
    """Run a command; return its exit code, whatever goes wrong."""
    try:
        open_streams()
        _check_encoding(args)
        with kept_streams():  # whatever plugins do to them, messages need them
            code = cli.main(args, prog_name="task", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        code = _show_usage(error)
    except FrameworkError as error:
        code = _show(error)
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except BrokenElsewhereError as carrier:
        code = _show_bug(carrier.error)
    except OSError as error:
        code = _show_unwritten(error) if error.errno in FULL else _show_bug(error)
    except Exception as error:  # noqa: BLE001  whatever else there is
        code = _show_bug(error)
    return code if isinstance(code, int) else 0


def _check_encoding(args: list[str]) -> None:
    """Refuse words that are no text: they would be sent as other bytes.

    What is printed may hold any text, whatever the terminal can show.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for word in args:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"this argument is not UTF-8: {excerpt(word)}") from None


def _without_debug(words: list[str]) -> list[str]:
    """Take out `--debug`, which may stand anywhere before `--`."""
    end = words.index("--") if "--" in words else len(words)
    if "--debug" in words[:end]:
        os.environ["TASK_DEBUG"] = "1"
    return [word for word in words[:end] if word != "--debug"] + words[end:]


def _show(error: FrameworkError) -> int:
    if _debugs():
        _show_traceback(error, error.__traceback__)
    text = shown(str(error), lines=True) or type(error).__name__
    first, *others = text.split("\n")
    lines = [f"task: {first}", *(f"      {line}" for line in others)]
    tell("\n".join(lines))
    return error.exit_code


def _debugs() -> bool:
    return os.environ.get("TASK_DEBUG", "0") not in {"", "0"}


def _show_traceback(error: BaseException, trace: TracebackType | None) -> None:
    text = "".join(traceback.format_exception(type(error), error, trace))
    tell(shown(text, lines=True), nl=False)


def _show_usage(error: click.ClickException) -> int:
    """Show what was wrong with the words, and where help is."""
    asks_for_help = getattr(click.exceptions, "NoArgsIsHelpError", ())
    if not isinstance(error, click.UsageError) or isinstance(error, asks_for_help):
        text = io.StringIO()
        error.show(text)
        tell(text.getvalue(), nl=False)
        return error.exit_code
    from task_core.cli.usage import place, told  # only who mistypes needs it

    return _show(UsageError(f"{told(error)}\n'{place(error)} --help' shows more"))


def _show_unwritten(error: OSError) -> int:
    """Say that output has no room; what is buffered must not be tried again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return _show(BusError(f"cannot write stdout: {error.strerror}"))


def _show_bug(error: BaseException) -> int:
    """Show the traceback: this is no mistake of the user's."""
    try:
        os.getcwd()
    except OSError:
        return _show(UsageError("the current folder is gone: go to one that exists"))
    from task_core.cli.raised import left_our_code  # only who has such an error

    place, trace = left_our_code(error)
    if not place or _debugs():
        trace = error.__traceback__
    _show_traceback(error, trace)
    versions = f"task-framework {__version__}, Python {sys.version.split()[0]}"
    text = f"this is a bug: please report what is above, with {versions}"
    if place:
        text = f"it comes from {place}, and not from the framework: tell its author"
    tell(f"task: {text}")
    return 1
