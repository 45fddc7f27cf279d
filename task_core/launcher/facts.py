"""What a status page tells of launchers and taskmasters. Looked at by other threads."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from threading import Event
from typing import Any, Protocol, runtime_checkable

from task_core.clock import format_stamp
from task_core.launcher.at_work import name_of
from task_core.launcher.context import Job
from task_core.launcher.loop import Loop
from task_core.launcher.parts import Parts
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.stats import Stats
from task_core.launcher.status import Page, nothing
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.shown import shown
from task_core.task import parse_date
from task_core.values import format_duration

MOST_TASKS = 100
"""Running tasks that are listed."""
COUNTS = ("retried", "put_off", "dead", "returned", "lost", "abandoned", "leaked")
"""What is told of deliveries that left no done task."""


def pages_of(hooks: Hooks) -> Callable[[str], Page | None]:
    """Return what asks hooks for a page."""
    decide = hooks.decider("status_page")
    if decide is None:
        return nothing

    def page(path: str) -> Page | None:
        found = decide(path=path)
        return (200, *found) if found else None

    return page


class Launcher(Protocol):
    """What is looked at of a launcher, which knows this module."""

    plan: Plan
    parts: Parts
    stats: Stats
    guarantee: str
    began: Event
    loop: Loop | None

    def snapshot(self) -> dict[str, Any]:
        """Return its counts."""


@runtime_checkable
class Timed(Protocol):
    """Slots that know how long each has been at its job."""

    def running(self) -> dict[Job, float]:
        """Return what they are at, and for how many seconds."""


def unready(launchers: Sequence[Launcher]) -> str:
    """Return why not all of them are consuming, or nothing."""
    return shown(next(filter(None, map(_unready, launchers)), ""))


def _unready(launcher: Launcher) -> str:
    loop, stop = launcher.loop, launcher.parts.stop
    if stop.requested:
        return "stopping"
    if away := _away(launcher):  # whatever else: somebody has to see to it
        return f"the bus is away: {away}"
    if loop is None or not launcher.began.is_set():
        return "starting"
    if loop.end is not None:
        return f"receiving no more: {loop.end.value}"
    if loop.paused:
        return "paused: too many tasks failed in a row (--pause-on-errors)"
    return ""


def _away(launcher: Launcher) -> str:
    """Return why the bus is away; empty while it is there."""
    return shown(launcher.loop.outages.away) if launcher.loop is not None else ""


def info_of(launchers: Sequence[Launcher], version: str) -> dict[str, Any]:
    """Return what is to be known of launchers in this process.

    Args:
        launchers: One, or several that run side by side.
        version: Of the framework.
    """
    names = ", ".join(one.parts.worker for one in launchers)
    found = {**_process(names, version, unready(launchers))}
    if len(launchers) == 1:
        return {**found, "launcher": launcher_facts(launchers[0])}
    return {**found, "launchers": [launcher_facts(one) for one in launchers]}


def taskmaster_info(loop: TaskmasterLoop, name: str, version: str) -> dict[str, Any]:
    """Return what is to be known of a taskmaster, with what it tells of itself."""
    return {
        **_process(name, version, loop.unready),
        "taskmaster": {"name": name, **loop.facts()},
    }


def _process(name: str, version: str, reason: str) -> dict[str, Any]:
    return {
        "app_name": name,
        "version": version,
        "pid": os.getpid(),
        "python": sys.version.split()[0],
        "state": reason or "working",
    }


def launcher_facts(launcher: Launcher) -> dict[str, Any]:
    """Return what is to be known of a launcher, the names of the Go system first."""
    parts, plan, stats = launcher.parts, launcher.plan, launcher.stats
    window, jobs = parts.window, parts.in_flight.jobs.copy()
    facts: dict[str, Any] = launcher.snapshot()
    facts["worker"] = parts.worker
    facts["state"] = shown(_unready(launcher)) or "working"
    facts["away"] = _away(launcher)
    facts["guarantee"] = shown(launcher.guarantee)
    facts["results"] = stats.results
    for name in COUNTS:
        facts[name] = getattr(stats, name)
    facts["window"] = {
        "slots": window.slots,
        "buffer": window.buffer,
        "held": len(jobs),
        "unsettled": len(parts.outbox.waiting),
    }
    if parts.bus.capabilities.lease:
        left = round(parts.in_flight.renewal_in, 1)
        facts["lease"] = {"length": _span(plan.lease), "renewed_in": _span(left)}
    if launcher.loop is not None and parts.bus.capabilities.depth:
        launcher.loop.watchdog.wanted = True
        facts["depth"] = launcher.loop.watchdog.depth
    facts["oldest"] = shown(_oldest(jobs))
    facts["attempts"] = {"most": plan.max_attempts, "held": _attempts(jobs)}
    times = _times(launcher)
    facts["running"] = dict(Counter(shown(job.task.type) for job in times))
    facts["tasks"] = _running(launcher, times)
    facts["last_error"] = last_error(launcher)
    return facts


def _attempts(jobs: set[Job]) -> dict[str, int]:
    """Return how many of some jobs are at which attempt."""
    found: dict[str, int] = {}
    for job in jobs:
        key = str(job.delivery.attempt)
        found[key] = found.get(key, 0) + 1
    return dict(sorted(found.items()))


def _oldest(jobs: set[Job]) -> str:
    """Return when the oldest of some jobs was created; empty when nobody knows."""
    found = {job.task.created: _moment(job.task.created) for job in jobs}
    known = {text: moment for text, moment in found.items() if moment}
    return min(known, key=known.__getitem__, default="")


def _running(launcher: Launcher, times: Mapping[Job, float]) -> list[dict[str, Any]]:
    """Return the tasks that slots are at, those first that take longest."""
    listed = [(seconds, job) for job, seconds in times.items()]
    listed.sort(key=lambda one: -one[0])
    return [
        {
            "type": shown(job.task.type),
            "id": shown(job.task.id),
            "info": shown(job.task.info)[:200],
            "attempt": job.delivery.attempt,
            "since": format_stamp(launcher.parts.clock.time() - seconds),
            "running": _span(round(seconds)),
        }
        for seconds, job in listed[:MOST_TASKS]
    ]


def _times(launcher: Launcher) -> dict[Job, float]:
    """Return what slots are at, and for how many seconds."""
    held, parts = launcher.parts.in_flight.jobs.copy(), launcher.parts
    if isinstance(parts.slots, Timed):
        times = parts.slots.running()
        return {job: seconds for job, seconds in times.items() if job in held}
    now = parts.clock.time()
    jobs = [job for job in parts.slots.held() if job is not None]
    return {job: _since(job, now) for job in jobs if job in held}


def _since(job: Job, now: float) -> float:
    """Return the seconds since a job began; stamps have whole ones."""
    began = _moment(job.task.started)
    return max(0.0, now - began) if began else 0.0


def _moment(date: str) -> float:
    """Return the seconds of a date; 0 when it is none."""
    try:
        return parse_date(date).timestamp()
    except ValueError:
        return 0.0


def last_error(launcher: Launcher) -> dict[str, Any] | None:
    """Return what went wrong last with a task, and with the bus."""
    found: dict[str, Any] = {}
    if (job := launcher.parts.outbox.last_failed) is not None:
        name = name_of(job)
        found["task"] = {
            "task": shown(name),
            "msg": shown(job.task.msg)[:500],
            "ended": job.task.ended,
        }
    if launcher.loop is not None and launcher.loop.outages.last_error:
        found["bus"] = shown(launcher.loop.outages.last_error)
    return found or None


def _span(seconds: float) -> str:
    return format_duration(timedelta(seconds=seconds))
