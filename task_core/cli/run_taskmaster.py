"""Runs a taskmaster that `task launch` was told to run."""

import logging
import sys
from functools import partial

from task_core.api.plugin import TaskmasterPlugin
from task_core.cli.hooks import hooks_of
from task_core.cli.launch_options import LaunchOptions
from task_core.cli.logs import set_up_logging
from task_core.cli.raised import not_returned, raised
from task_core.cli.run_launch import end, longest_freeze, narrated, opener, serving_of
from task_core.cli.stdout import stop_with
from task_core.config.selection import Settings
from task_core.discovery.guard import blaming, whose
from task_core.errors import DecodeError, FrameworkError
from task_core.launcher.plan import Hooks
from task_core.launcher.signals import Supervisor, run_and_leave
from task_core.launcher.taskmasters.loop import TaskmasterLoop

log = logging.getLogger("task")


def run_taskmaster(settings: Settings) -> int:
    """Run until it returns, or a signal; return the exit code.

    Args:
        settings: What the command line, environment and TOML say.

    Raises:
        FrameworkError: The taskmaster or the bus cannot be used.
    """
    open_ = opener([settings])
    assert settings.taskmaster is not None  # the command sees to it
    options: LaunchOptions = settings.command
    plugin: TaskmasterPlugin = settings.taskmaster.plugin
    hooks = narrated(hooks_of(settings))
    taskmaster = plugin.make(settings.taskmaster.options)
    set_up_logging(options.log_level.value, options.log_format, options.log_time)
    name = plugin.name
    with blaming(plugin):
        loop = TaskmasterLoop(
            taskmaster,
            partial(open_, settings),
            lease=options.lease.total_seconds(),
            max_attempts=options.max_attempts,
            kill_time=options.kill_time.total_seconds(),
            hooks=hooks,
            log=logging.getLogger(f"task.taskmaster.{name}"),
        )
    log.info("taskmaster %s on bus %s", name, loop.buses[0].name)
    freeze = longest_freeze(loop.buses, options)
    kill_time = options.kill_time.total_seconds()
    supervisor = Supervisor(loop, kill_time, freeze)
    stop_with(supervisor.signals)
    if leash := sys.modules.get("task_core.supervisor.leash"):
        supervisor.leashed = True
        leash.announce([loop.began], supervisor.signals)
    run = partial(_supervise_taskmaster, settings, hooks, loop, supervisor)
    return run_and_leave(run, "taskmaster", kill_time)


def _supervise_taskmaster(
    settings: Settings, hooks: Hooks, loop: TaskmasterLoop, supervisor: Supervisor
) -> int:
    assert settings.taskmaster is not None  # as above
    plugin, late = settings.taskmaster.plugin, ""
    try:
        with serving_of(settings, hooks, loop):
            ended = supervisor.run()
    except (Exception, SystemExit) as error:
        if isinstance(error, FrameworkError) and not isinstance(error, DecodeError):
            raise  # it says so itself
        raise raised(whose(plugin), error) from error
    finally:
        log.info("%s sent", f"{loop.sent:,}")
    if not ended:
        late = not_returned(whose(plugin), settings.command.kill_time)
    return end(loop.buses[0], supervisor.signals, ended=ended, late=late)
