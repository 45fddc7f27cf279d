"""The manifests of the core's own workers."""

from datetime import timedelta
from typing import Any

import attrs
from attrs.validators import and_, ge, le

from task_core.api.plugin import WorkerPlugin
from task_core.api.worker import Worker
from task_core.options import option

NO_TIME = timedelta(0)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NopOptions:
    """Options of the worker `nop`."""

    fail_rate: int = option(
        0, help="Of 100 tasks, so many fail.", validator=and_(ge(0), le(100))
    )
    dur: timedelta = option(NO_TIME, help="How long a task takes.")
    dur_variance: timedelta = option(NO_TIME, help="A random part of this is added.")


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


echo = WorkerPlugin(
    name="echo", summary="Complete with the info as the message.", make=_make_echo
)
nop = WorkerPlugin(
    name="nop",
    summary="Do nothing for a while, or fail at a given rate.",
    make=_make_nop,
    options=NopOptions,
)
