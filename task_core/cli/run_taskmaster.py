"""Runs a taskmaster: the composition root of `task launch --taskmaster`."""

import logging
from types import TracebackType

from task_core.api.plugin import TaskmasterPlugin
from task_core.api.worker import describe
from task_core.cli.buses import open_bus
from task_core.cli.launch_options import LaunchOptions
from task_core.cli.leaving import exit_code, leave
from task_core.cli.stdout import claim_stdout
from task_core.clock import SystemClock
from task_core.config.selection import Settings
from task_core.errors import FrameworkError, PluginError
from task_core.launcher.shutdown import Supervisor
from task_core.launcher.taskmaster import TaskmasterLoop

log = logging.getLogger("task")


def run(settings: Settings) -> int:
    """Run a taskmaster until it returns or a signal comes.

    Args:
        settings: What the command line, environment and TOML say.

    Returns:
        The exit code.

    Raises:
        FrameworkError: The taskmaster or the bus cannot be used, or it raised.
    """
    assert settings.taskmaster is not None  # the command sees to it
    options: LaunchOptions = settings.command
    plugin: TaskmasterPlugin = settings.taskmaster.plugin
    stdout = claim_stdout()
    taskmaster = plugin.make(settings.taskmaster.options)
    lease = options.lease.total_seconds()
    bus = open_bus(settings, stdout, lease)
    loop = TaskmasterLoop(
        taskmaster,
        bus=bus,
        lease=lease,
        clock=SystemClock(),
        log=logging.getLogger(f"task.taskmaster.{plugin.name}"),
    )
    log.info("taskmaster %s on bus %s", plugin.name, bus.name)
    supervisor = Supervisor(loop, options.kill_time.total_seconds())
    try:
        ended = supervisor.run()
    except FrameworkError:
        raise
    except (Exception, SystemExit) as error:
        raise _raised(plugin.name, error) from error
    finally:
        log.info("%s sent", f"{loop.sent:,}")
    code = exit_code(supervisor.signals)
    if not ended:
        leave(code)
    return code


def _raised(name: str, error: BaseException) -> PluginError:
    """Show its author where it was; it is no bug of ours."""
    trace = _author_frames(error.__traceback__)
    log.error("the taskmaster raised", exc_info=(type(error), error, trace))
    return PluginError(f"taskmaster '{name}' raised {describe(error)}")


def _author_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of the core that called it."""
    begin = trace
    while begin and _is_ours(begin.tb_frame.f_globals.get("__name__", "")):
        begin = begin.tb_next
    return begin or trace


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "task_core"
