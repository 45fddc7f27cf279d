"""Where log lines go: to stderr, as short text or as JSON, each with its task."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

import click
import msgspec

from task_core.cli.stdout import own_stderr
from task_core.errors import FrameworkError
from task_core.launcher.at_work import About, Handler, take_logs
from task_core.shown import shown


class LogLevel(StrEnum):
    """What to report on stderr: lines of a level, and those above it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How lines look."""

    TEXT = "text"
    JSON = "json"
    """An object in each line."""


_COLOURS = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_PLAIN = "\x1b[0m"

log = logging.getLogger("task")


def stamp(seconds: float) -> str:
    """Return a moment as lines tell it: RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


class Lines(logging.Formatter):
    """Formats lines that may hold text of tasks, brokers and users.

    Args:
        times: Whether each begins with its time.
        colours: Whether levels have colours.
    """

    def __init__(self, *, times: bool = False, colours: bool = False) -> None:
        super().__init__()
        self._times = times
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets, and without what steers a terminal."""
        time = f"{stamp(record.created)} " if self._times else ""
        return (
            f"{time}task: {self._level(record)}{shown(self._text(record), lines=True)}"
        )

    def _level(self, record: logging.LogRecord) -> str:
        if record.levelno == logging.INFO:
            return ""
        level = f"{record.levelname.lower()}:"
        if self._colours:
            level = f"{_COLOURS.get(record.levelno, '')}{level}{_PLAIN}"
        return f"{level} "

    def _text(self, record: logging.LogRecord) -> str:
        text = super().format(record).rstrip("\n")
        about = getattr(record, "at_work", None)
        if about is None or str(about) in text:
            return text
        return f"{about}: {text}"


class Objects(logging.Formatter):
    """Formats each line as a JSON object, with its task where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in one line and without secrets."""
        fields: dict[str, object] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            **_facts(getattr(record, "at_work", None)),
            "message": shown(record.getMessage().rstrip("\n"), lines=True),
        }
        trace = record.exc_text
        if not trace and record.exc_info:
            trace = self.formatException(record.exc_info)
        if trace:
            fields["exception"] = shown(trace, lines=True)
        if record.stack_info:
            fields["stack"] = shown(record.stack_info, lines=True)
        return msgspec.json.encode(fields).decode()


def _facts(about: About | None) -> dict[str, object]:
    if about is None:
        return {}
    facts = {"worker": about.worker, "type": about.type, "id": about.id}
    if not about.id:
        facts |= {"info": about.info, "position": about.position}
    found: dict[str, object] = {k: shown(text) for k, text in facts.items() if text}
    return {**found, "attempt": about.attempt}


class Stderr(Handler):
    """Writes to what is stderr when it is made.

    User code may put something of its own there for a moment, in any thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stream = own_stderr()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            self._stream.write(f"{self.format(record)}\n")
            self._stream.flush()
        except Exception:  # noqa: BLE001  as all handlers do it
            self.handleError(record)


def set_up_logging(
    level: str,
    form: LogFormat = LogFormat.TEXT,
    times: bool | None = None,
) -> None:
    """Send log lines of a level and above to stderr, warnings of Python too.

    What the user's code has set up to write to the terminal goes, since each line would
    come twice; its other handlers stay, and get all lines.

    It is done again when a worker was made: importing it may have set up others.

    Args:
        level: The level.
        form: How lines look.
        times: Whether they begin with the time; where stderr is no terminal when None.
    """
    root, handler = logging.getLogger(), Stderr()
    terminal = _is_terminal()
    if form is LogFormat.JSON:
        handler.setFormatter(Objects())
    else:
        colours = terminal and not os.environ.get("NO_COLOR")
        times = not terminal if times is None else times
        handler.setFormatter(Lines(times=times, colours=colours))
    for other in [*root.handlers]:
        if isinstance(other, Stderr) or _writes_here(other):
            root.removeHandler(other)
    take_logs(handler)
    root.setLevel(level.upper())


def _writes_here(handler: logging.Handler) -> bool:
    """Whether it is a plain one for the terminal, as `logging.basicConfig` has it."""
    if type(handler) is not logging.StreamHandler:
        return False
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return handler.stream in streams


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # it is closed
        return False


def format_of(words: Sequence[str]) -> LogFormat:
    """Return how lines are to look, as far as that is known before words are read."""
    names = ("TASK_LAUNCH_LOG_FORMAT", "TASK_LOG_FORMAT")
    text = next(filter(None, map(os.environ.get, names)), "")
    for word, following in pairwise([*words, ""]):
        name, sign, value = word.partition("=")
        if name == "--log-format":
            text = value if sign else following
    return LogFormat.JSON if text == LogFormat.JSON else LogFormat.TEXT


@contextlib.contextmanager
def errors_as_lines(form: LogFormat) -> Iterator[None]:
    """Tell an error that ends the command as all else is told, where that is JSON."""
    try:
        yield
    except (FrameworkError, click.UsageError) as error:
        if form is LogFormat.TEXT:
            raise
        set_up_logging(LogLevel.ERROR.value, form)
        debug = os.environ.get("TASK_DEBUG", "0") not in {"", "0"}
        text = str(error)
        if isinstance(error, click.UsageError):
            from task_core.cli.usage import told  # only who mistypes needs it

            text = told(error)
        log.critical("%s", text, exc_info=error if debug else None)
        raise click.exceptions.Exit(error.exit_code) from None
