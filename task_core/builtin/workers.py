"""The manifests of the core's own workers."""

from datetime import timedelta
from typing import Any

import attrs
from attrs.validators import and_, ge, le

from task_core.api.plugin import WorkerPlugin
from task_core.api.worker import Worker
from task_core.options import UrlPart, option

NO_TIME = timedelta(0)


@attrs.frozen(kw_only=True)
class NopOptions:
    """Options of the worker `nop`."""

    fail_rate: int = option(
        0, help="Of 100 tasks, so many fail.", validator=and_(ge(0), le(100))
    )
    dur: timedelta = option(NO_TIME, help="How long a task takes.")
    dur_variance: timedelta = option(NO_TIME, help="A random part of this is added.")


@attrs.frozen(kw_only=True)
class ExecOptions:
    """Options of the worker `exec`."""

    command: str = option(
        help="The program, and its arguments as a shell would split them.",
        url=UrlPart.LOCATION,
        metavar="COMMAND",
    )
    once: bool = option(False, help="Start a new process for each task.")


def _echo(info: str) -> str:
    return info


def _make_echo(options: Any) -> Any:
    return _echo


def _make_nop(options: NopOptions) -> Worker:
    from task_core.builtin.nop_worker import NopWorker

    return NopWorker(
        options.fail_rate,
        options.dur.total_seconds(),
        options.dur_variance.total_seconds(),
    )


def _make_exec(options: ExecOptions) -> Worker:
    from task_core.builtin.exec_worker import make_exec

    return make_exec(options.command, once=options.once)


echo = WorkerPlugin(
    name="echo", summary="Complete with the info as the message.", make=_make_echo
)
nop = WorkerPlugin(
    name="nop",
    summary="Do nothing for a while, or fail at a given rate.",
    make=_make_nop,
    options=NopOptions,
)
exec_ = WorkerPlugin(
    name="exec",
    summary="Run a program that does the tasks, in any language.",
    make=_make_exec,
    options=ExecOptions,
)
