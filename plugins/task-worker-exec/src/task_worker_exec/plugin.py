"""The manifest of the worker. Light: `make` imports what it needs."""

from task_core.api import Worker, WorkerPlugin
from task_worker_exec.options import ExecOptions, name_of


def _make(options: ExecOptions) -> Worker:
    from task_worker_exec.worker import make_exec

    return make_exec(options.command, once=options.once)


exec_ = WorkerPlugin(
    name="exec",
    summary="Run a program that does the tasks, in any language.",
    make=_make,
    options=ExecOptions,
    type_of=name_of,
)
