"""Rules of child processes that have done enough: what they have goes to others."""

from collections import Counter

import process_workers as workers
import pytest

from task_core.api import Outcome
from task_core.launcher.processes.feeding import Feeder
from task_core.launcher.programs import LauncherThread


def test_a_child_retires_after_so_many_tasks(work):
    """A successor goes on."""
    done = work(workers.pid, *"abcdef", max_tasks_per_child=2)
    pids = [task.msg for task in done.values()]
    assert sorted(map(pids.count, set(pids))) == [2, 2, 2]


def test_a_child_retires_when_it_has_grown_too_large(work):
    """After the task that did it."""
    size = str(200 << 20)
    infos = [size, "1", "2"]
    done = work(workers.grows, *infos, max_memory_per_child=150 << 20, prefetch=0)
    pids = [task.msg for task in done.values()]
    assert len(set(pids)) == 2
    assert pids.count(done[size].msg) == 1


@pytest.fixture
def told(hooks):
    """Hooks that count what they are asked and told, by the info of the task."""

    class Told:
        def __init__(self):
            self.asked, self.started, self.finished = Counter(), Counter(), Counter()
            self.ends = []

        def hooks(self):
            return hooks(
                task_should_run=self.should_run,
                task_started=lambda task: self.started.update([task.info]),
                task_finished=self.note_end,
            )

        def should_run(self, task) -> Outcome | None:
            self.asked.update([task.info])

        def note_end(self, task, outcome):
            self.finished.update([task.info])
            self.ends.append(outcome.kind)

    return Told()


def test_what_a_retiring_child_was_given_is_asked_and_told_once(work, told):
    """Another one does it, as the very run that was admitted."""
    infos = [*"abcde"]
    settings = {"max_tasks_per_child": 1, "concurrency": 1}
    done = work(workers.retires_late, *infos, hooks=told.hooks(), **settings)
    assert len({task.msg for task in done.values()}) == len(infos)
    once = Counter(infos)
    assert (told.asked, told.started, told.finished) == (once, once, once)


def test_what_was_admitted_and_goes_back_to_the_bus_is_told_as_unfinished(
    memory, make_tasks, told, until, monkeypatch
):
    """A stop comes between the end of a child and the start of the next one."""
    memory.put(*make_tasks("a", "b"))
    settings = {"topic": "load", "pool": "process", "hooks": told.hooks()}
    with LauncherThread(
        workers.retires_late, memory.open(), max_tasks_per_child=1, **settings
    ) as thread:
        slots = thread.launcher.parts.slots
        give_back = slots._return

        def return_(jobs):
            if jobs:
                monkeypatch.setattr(Feeder, "feed", lambda *_: None)
            give_back(jobs)

        monkeypatch.setattr(slots, "_return", return_)
        until(lambda: slots._handover.waiting and told.started["b"])
    assert told.finished == Counter("ab")
    assert sorted(told.ends) == ["complete", "interrupted"]
