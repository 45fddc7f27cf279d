"""Runs the workers that `task launch` was told to run."""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from task_core.api.bus import Bus
from task_core.api.plugin import Late
from task_core.cli.buses import open_bus
from task_core.cli.hooks import hooks_of
from task_core.cli.launch_options import LaunchOptions
from task_core.cli.logs import set_up_logging
from task_core.cli.stdout import claim_stdin, claim_stdout, own_stderr, stop_with
from task_core.config.resolve import DEFAULT
from task_core.config.selection import Settings
from task_core.config.sources import NoFile
from task_core.errors import BusConnectionError, BusError, PluginError
from task_core.launcher.launcher import Launcher, make_launcher
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.signals import Stoppable, Supervisor, leave, run_and_leave
from task_core.launcher.stats import Stats, summary

if TYPE_CHECKING:
    from task_core.launcher.taskmasters.loop import TaskmasterLoop

LEAKED = 5
"""Exit code when runs were left behind, as many as `--max-leaked` says."""
LEAST_FREEZE = 10.0
"""Seconds without Python that a process is always allowed: machines get busy."""
FIND = Late("task_core.cli.children:find_worker")
"""Finds a worker in a child process."""

log = logging.getLogger("task")


def run(settings: Settings, *others: Settings) -> int:
    """Run a worker until the end of input, a limit or a signal.

    Args:
        settings: What the command line, environment and TOML say.
        others: The same for further workers, which run side by side.

    Returns:
        The exit code.

    Raises:
        FrameworkError: The worker or the bus cannot be used.
    """
    return _run_workers([settings, *others], opener([settings, *others]))


def opener(many: Sequence[Settings]) -> Callable[[Settings], Bus]:
    """Take stdin and stdout from plugins; return what opens the bus of some settings.

    Args:
        many: All that this process runs.
    """
    # First: what plugins print is no data; a closed stdin leaves its number to others.
    stdin = claim_stdin()
    stdout = claim_stdout()
    settings = many[0]
    if not isinstance(settings.toml, NoFile):
        _tell_mistyped_tables(many)
    lease = settings.command.lease.total_seconds()
    return partial(open_bus, stdout=stdout, lease=lease, stdin=stdin)


def _tell_mistyped_tables(many: Sequence[Settings]) -> None:
    from task_core.config.mistyped import mistyped_tables

    for text in mistyped_tables(many):
        log.warning("%s", text)


def _run_workers(many: Sequence[Settings], open_: Callable[[Settings], Bus]) -> int:
    settings = many[0]
    options: LaunchOptions = settings.command
    hooks = narrated(hooks_of(settings))
    launchers = _make_launchers(many, open_, hooks)
    set_up_logging(options.log_level.value, options.log_format, options.log_time)
    buses = [one.parts.bus for one in launchers]
    kill_time = options.kill_time.total_seconds()
    freeze = longest_freeze(buses, options)
    supervisor = Supervisor(_together(launchers), kill_time, freeze)
    stop_with(supervisor.signals)
    if leash := sys.modules.get("task_core.supervisor.leash"):
        supervisor.leashed = True
        leash.announce([one.began for one in launchers], supervisor.signals)
    run = partial(_supervise, settings, hooks, launchers, supervisor)
    return run_and_leave(run, "worker", kill_time)


def _supervise(
    settings: Settings,
    hooks: Hooks,
    launchers: Sequence[Launcher],
    supervisor: Supervisor,
) -> int:
    options: LaunchOptions = settings.command
    try:
        interval = options.log_interval.total_seconds()
        with serving_of(settings, hooks, launchers), _counted(launchers, interval):
            ended = supervisor.run()
    finally:
        stats = _report(launchers, counts=options.stats)
    failed = options.fail and stats.failed + stats.dead > 0
    code = end(launchers[0].parts.bus, supervisor.signals, ended=ended, failed=failed)
    if 0 < options.max_leaked <= stats.leaked and not supervisor.signals:
        code = LEAKED
    if stats.abandoned or stats.leaked:
        if leash := sys.modules.get("task_core.supervisor.leash"):
            leash.tell_end()
        leave(code)
    return code


def longest_freeze(buses: Sequence[Bus], options: LaunchOptions) -> float:
    """Return the seconds without Python after which the process ends.

    One that has lost its leases had better: its tasks come again. Without leases nobody
    would have them.
    """
    if any(bus.capabilities.lease for bus in buses):
        return max(options.lease.total_seconds(), LEAST_FREEZE)
    return inf


def _make_launchers(
    many: Sequence[Settings], open_: Callable[[Settings], Bus], hooks: Hooks
) -> list[Launcher]:
    """Return a launcher for each worker; when one cannot be made, none is."""
    made: list[Launcher] = []
    try:
        for one in many:
            assert one.worker is not None  # the command sees to it
            launcher = make_launcher(
                one.worker.plugin,
                partial(open_, one),
                plan_of(one),
                options=one.worker.options,
                hooks=hooks,
                log=log,
                find=partial(FIND, one.command.worker),
            )
            made.append(launcher)
    except BaseException:
        for launcher in made:
            with contextlib.suppress(BusError):
                launcher.close()
        raise
    return made


def narrated(hooks: Hooks) -> Hooks:
    """Return hooks that tell each step of a task too, where somebody reads that."""
    if not log.isEnabledFor(logging.DEBUG):
        return hooks
    from task_core.launcher.narrator import Narrator  # few read it

    return Narrator(hooks, log)


def _together(launchers: Sequence[Launcher]) -> Stoppable:
    if len(launchers) == 1:
        return launchers[0]
    from task_core.launcher.together import Together  # most have one

    return Together(launchers)


def plan_of(settings: Settings) -> Plan:
    """Return the plan: what is said of it, what the worker declares, and defaults."""
    plan: Plan = settings.command.plan
    return attrs.evolve(plan, **declared_of(settings))


def declared_of(settings: Settings) -> dict[str, Any]:
    """Return what holds because the worker declares it: nobody says otherwise."""
    assert settings.worker is not None
    own = [one for one in settings.all if one.section.table == ("launch",)]
    said = {one.spec.name for one in own if one.origin != DEFAULT}
    declared = settings.worker.plugin.defaults.settings
    return {name: value for name, value in declared.items() if name not in said}


def serving_of(
    settings: Settings, hooks: Hooks, what: "Sequence[Launcher] | TaskmasterLoop"
) -> AbstractContextManager[object]:
    """Serve the status page, if that is asked for."""
    if not settings.command.status:
        return contextlib.nullcontext()
    from task_core.cli.serving import serving  # few launches have one

    return serving(settings, hooks, what)


@contextlib.contextmanager
def _counted(launchers: Sequence[Launcher], interval: float) -> Iterator[None]:
    """Write a line now and then that counts what was done."""
    over = threading.Event()

    def count() -> None:
        if not over.wait(interval):
            from task_core.cli.counting import Counting  # short launches need none

            Counting(launchers, interval).run(over)

    thread = threading.Thread(target=count, name="counting", daemon=True)
    if interval > 0 and log.isEnabledFor(logging.INFO):
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread.ident:  # else it would be taken for one that a worker has left
            thread.join(1.0)


def _report(launchers: Sequence[Launcher], *, counts: bool) -> Stats:
    """Say what launchers did, also when they failed; return the sum."""
    stats = Stats.total([one.stats for one in launchers])
    if any(one.began.is_set() for one in launchers):
        log.info("%s", summary(stats, sum(one.running for one in launchers)))
    for one in launchers if counts else ():
        stream = own_stderr()
        stream.write(f"{msgspec.json.encode(one.snapshot()).decode()}\n")
        stream.flush()
    return stats


def end(
    bus: Bus,
    signals: Sequence[int],
    *,
    ended: bool,
    failed: bool = False,
    late: str = "",
) -> int:
    """Return the exit code; leave at once when the bus thread is stuck."""
    code = exit_code(signals, failed=failed, stuck=not ended)
    if not ended:
        text = f"bus '{bus.name}' did not answer in time, and is left as it is"
        log.error("%s", late or text)
        leave(PluginError.exit_code if late and code != 130 else code)
    return code


def exit_code(
    signals: Sequence[int], *, failed: bool = False, stuck: bool = False
) -> int:
    """Return 130 after an interrupt or a second signal, else what went wrong, or 0.

    Args:
        signals: What came.
        failed: A task failed: 1.
        stuck: The bus did not answer until the end: 4.
    """
    if signal.SIGINT in signals or len(signals) > 1:
        return 130
    if stuck:
        return BusConnectionError.exit_code
    return 1 if failed else 0
