"""The options of `task launch`: flags, `TASK_LAUNCH_…`, the TOML table `[launch]`."""

from datetime import timedelta

import attrs
from attrs.validators import ge, optional

from task_core.cli.logs import LogFormat, LogLevel
from task_core.config.selection import PREFIX
from task_core.config.sources import Section
from task_core.dead import is_dead_topic
from task_core.errors import excerpt
from task_core.launcher.plan import (
    AckMode,
    Guarantee,
    Plan,
    Pool,
    TypePolicy,
    parse_rate,
)
from task_core.options import more_than_nothing, option
from task_core.values import parse_size


def _ends_in_dead(instance: object, field: object, value: str | None) -> None:
    """Streams and files tell dead letters from data by the name of their topic."""
    if value is not None and not is_dead_topic(value):
        raise ValueError(f"a dead topic ends in .dead, for example {value}.dead")


def _is_size(instance: object, field: object, value: str) -> None:
    parse_size(value)


def _is_count(instance: object, field: object, value: str) -> None:
    if value != "auto" and not (value.isascii() and value.isdigit() and int(value)):
        raise ValueError(f"must be 1, 2, … or auto, not {excerpt(value)}")


def _is_rate(instance: object, field: object, value: str) -> None:
    parse_rate(value)


class FlagPlan(Plan):
    """A plan that a command line made: its settings have flags."""

    def name_of(self, setting: str, value: str = "") -> str:
        """Return the flag of a setting, with a value if one is given."""
        return f"--{setting.replace('_', '-')} {value}".rstrip()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LaunchOptions:
    """Everything that `task launch` can be told, plugin options aside."""

    worker: str | None = option(
        None,
        help="Worker: an installed name, module:object or path/to/file.py:object;"
        " repeat to run several.",
        metavar="WORKER",
    )
    taskmaster: str | None = option(
        None,
        help="Taskmaster to run in place of a worker: a name, module:object or"
        " path/to/file.py:object.",
    )
    bus: str = option("stdio", help="Bus to read and write: a name or a URL.")
    in_bus: str | None = option(None, help="Bus to read, when another one writes.")
    out_bus: str | None = option(None, help="Bus to write, when another one reads.")
    prefix: str = option("", help=PREFIX)
    topic: str | None = option(
        None, help="Topic to read; the worker's task type when not given."
    )
    channel: str | None = option(
        None, help="Channel to read on; the worker's task type when not given."
    )
    done_topic: str = option("done", help="Topic that takes the done tasks.")
    dead_topic: str | None = option(
        None,
        help="Topic that takes what cannot be decoded; <topic>.dead if not given.",
        validator=_ends_in_dead,
    )
    concurrency: int = option(1, help="Tasks at a time.", validator=ge(1))
    instances: str = option(
        "1",
        help="Launchers, each a process of its own: a number, or auto for one for each"
        " core.",
        metavar="NUMBER",
        validator=_is_count,
    )
    reload: bool = option(
        False,
        help="Start anew when the worker's source changes (needs the extra reload).",
    )
    pool: Pool = option(
        Pool.THREAD,
        help="What does the tasks: threads (for an async def, one event loop), or a"
        " child process for each of the -c.",
    )
    max_tasks_per_child: int = option(
        0,
        help="Tasks after which a process is replaced; 0: never.",
        validator=ge(0),
    )
    max_memory_per_child: str | None = option(
        None,
        help="Memory after which a process is replaced, when its task is done; for"
        " example 512M.",
        metavar="SIZE",
        validator=optional(_is_size),
    )
    prefetch: int | None = option(
        None,
        help="Tasks to fetch ahead of free slots; 0: none. Not given: as many as the"
        " speed of the tasks allows.",
        validator=optional(ge(0)),
    )
    rate: str | None = option(
        None,
        help="Tasks to run at most, for example 10/s, 100/m or 5/h.",
        metavar="RATE",
        validator=optional(_is_rate),
    )
    max_task_bytes: str | None = option(
        None,
        help="Length from which a message goes to the dead topic unread, for example"
        " 256K.",
        metavar="SIZE",
        validator=optional(_is_size),
    )
    hooks: tuple[str, ...] = option(
        (),
        help="Hooks to load beside those installed: file.py or module:object; repeat.",
        metavar="HOOKS",
    )
    require_hooks: bool = option(
        False,
        help="Do not start when an installed hook plugin cannot be loaded.",
    )
    kill_time: timedelta = option(
        timedelta(seconds=10),
        help="Grace for running tasks after the first signal, for example 10s or 1m.",
    )
    max_tasks: int = option(
        0, help="Stop after so many tasks; 0 is no limit.", validator=ge(0)
    )
    drain: bool = option(False, help="Stop when the topic is empty.")
    retries: int = option(
        0,
        help="How often a failed task is run again (where the bus can delay).",
        validator=ge(0),
    )
    retry_delay: timedelta = option(
        timedelta(seconds=1),
        help="Wait before the second run; doubles each time, and is random up to that.",
    )
    timeout: timedelta | None = option(
        None,
        help="Time that a task may take, for example 5m; then it is an error. A task's"
        " own (timeout=1h in its meta) counts more.",
        validator=optional(more_than_nothing),
    )
    pause_on_errors: int = option(
        0,
        help="Receive no more after so many failures in a row, and try one task now and"
        " then until one succeeds; 0: never.",
        validator=ge(0),
    )
    max_leaked: int = option(
        0,
        help="End with code 5 when so many runs did not end after their timeout, so"
        " that a supervisor starts a fresh process; 0: never.",
        validator=ge(0),
    )
    max_attempts: int = option(
        5,
        help="How often a task may kill its worker before it goes to the dead topic;"
        " some buses need more (docs/buses.md).",
        validator=ge(1),
    )
    lease: timedelta = option(
        timedelta(seconds=30),
        help="Time after which others get the tasks of a worker that died.",
        validator=more_than_nothing,  # else others do each task as well
    )
    ack: AckMode = option(
        AckMode.LATE,
        help="Acknowledge after the done task was sent (late), or on receipt (early):"
        " a task is then lost if its worker is killed.",
    )
    require: Guarantee | None = option(
        None, help="Refuse to start on a bus that cannot promise this."
    )
    type_policy: TypePolicy = option(
        TypePolicy.RUN, help="What to do with tasks of another type."
    )
    log_level: LogLevel = option(LogLevel.INFO, help="What to report on stderr.")
    log_format: LogFormat = option(
        LogFormat.TEXT, help="Lines on stderr as text, or a JSON object each."
    )
    log_time: bool | None = option(
        None,
        help="Begin lines of text with the time; not given: where stderr is no"
        " terminal.",
    )
    log_interval: timedelta = option(
        timedelta(minutes=1),
        help="Time between lines that count what was done, while there is work; 0s:"
        " none.",
    )
    status: str | None = option(
        None,
        help="Serve /live, /ready and /info at this address: 127.0.0.1:8123, or"
        " unix:PATH.",
        metavar="ADDRESS",
    )
    stats: bool = option(False, help="Print the counts as JSON on stderr at the end.")
    fail: bool = option(False, help="Exit with 1 when a task failed or is dead.")

    @property
    def plan(self) -> Plan:
        """What a launcher is to do, in seconds and without the rest."""
        timeout = self.timeout
        return FlagPlan(
            topic=self.topic or "",
            channel=self.channel or "",
            done_topic=self.done_topic,
            dead_topic=self.dead_topic or "",
            concurrency=self.concurrency,
            pool=self.pool,
            max_tasks_per_child=self.max_tasks_per_child,
            max_memory_per_child=parse_size(self.max_memory_per_child or "0K"),
            prefetch=self.prefetch,
            rate=parse_rate(self.rate) if self.rate else 0.0,
            max_task_bytes=parse_size(self.max_task_bytes or "0K"),
            pause_on_errors=self.pause_on_errors,
            max_tasks=self.max_tasks,
            drain=self.drain,
            kill_time=self.kill_time.total_seconds(),
            lease=self.lease.total_seconds(),
            max_attempts=self.max_attempts,
            retries=self.retries,
            retry_delay=self.retry_delay.total_seconds(),
            timeout=None if timeout is None else timeout.total_seconds(),
            max_leaked=self.max_leaked,
            ack=self.ack,
            require=self.require,
            type_policy=self.type_policy,
        )


WORDS = "task_core.words"
"""Under which click's context keeps what was written behind `task launch`."""
SECTION = Section(options=LaunchOptions, table=("launch",), weaker=(("task",),))

GROUPS = {
    "What runs": (
        *("worker", "taskmaster", "hooks", "require_hooks"),
        *(
            "concurrency",
            "instances",
            "reload",
            "pool",
            "max_tasks_per_child",
            "max_memory_per_child",
        ),
        *("prefetch", "rate", "max_task_bytes", "type_policy"),
    ),
    "Where tasks come from, and go": (
        *("bus", "in_bus", "out_bus", "prefix", "topic", "channel"),
        *("done_topic", "dead_topic"),
    ),
    "When it ends": ("drain", "max_tasks", "kill_time"),
    "When something fails": (
        *(
            "retries",
            "retry_delay",
            "timeout",
            "pause_on_errors",
            "max_leaked",
            "max_attempts",
            "lease",
            "ack",
            "require",
            "fail",
        ),
    ),
    "What it reports": (
        *("log_level", "log_format", "log_time", "log_interval", "status", "stats"),
    ),
}
"""The options as help groups them."""
