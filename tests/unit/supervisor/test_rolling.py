"""Processes are renewed one by one."""

from task_core.supervisor.rolling import PATIENCE, Rolling


class One:
    """As much of a process as rolling needs."""

    name, runs, ended, ready = "1", True, False, False
    seconds = None

    def successor(self):
        return One()

    def limit(self, seconds):
        self.seconds = seconds


def test_a_successor_has_its_time_from_when_it_could_be_started():
    """Memory may be short at first: nobody knows when that is over."""
    begun = []
    rolling = Rolling([One()], begun.append, lambda text: None)
    rolling.request()
    (successor,) = begun
    assert successor.seconds is None
    rolling.started(successor)
    assert successor.seconds == PATIENCE


def test_one_that_waits_for_its_start_is_started_at_once_and_is_the_same():
    """That it worked before still counts: only a change of its source makes it new."""
    asked = []
    one = One()
    one.runs, one.hasten = False, lambda: asked.append("hasten")
    Rolling([one], asked.append, lambda text: None).request()
    assert asked == ["hasten"]
