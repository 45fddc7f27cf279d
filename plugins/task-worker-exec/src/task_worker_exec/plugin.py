"""The manifest of the worker. Light: `make` imports what it needs."""

import attrs

from task_core.api import UrlPart, Worker, WorkerPlugin, option


@attrs.frozen(kw_only=True)
class ExecOptions:
    """Options of the worker `exec`."""

    command: str = option(
        help="The program, and its arguments as a shell would split them.",
        url=UrlPart.LOCATION,
        metavar="COMMAND",
    )
    once: bool = option(False, help="Start a new process for each task.")


def _make(options: ExecOptions) -> Worker:
    from task_worker_exec.worker import make_exec

    return make_exec(options.command, once=options.once)


exec_ = WorkerPlugin(
    name="exec",
    summary="Run a program that does the tasks, in any language.",
    make=_make,
    options=ExecOptions,
)
