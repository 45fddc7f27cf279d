"""Rules of `task_core.launcher.job`: a job is itself, and always has dates."""

from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.launcher.job import Job, stamp_unrun
from task_core.task import Task


def test_two_receipts_of_one_message_are_two_jobs():
    """They are held, and settled, one by one."""
    delivery, task = Delivery(b""), Task(type="load", info="")
    assert len({Job(delivery, task), Job(delivery, task)}) == 2


def test_a_task_that_never_ran_has_both_dates():
    """One that had begun keeps its begin."""
    fresh, begun = (
        Task(type="load", info=""),
        Task(type="load", info="", started="2017-01-01T00:00:00Z"),
    )
    for task in (fresh, begun):
        stamp_unrun(task, SystemClock())
    assert fresh.started == fresh.ended == begun.ended != ""
    assert begun.started == "2017-01-01T00:00:00Z"
