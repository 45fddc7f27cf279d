"""A file is finished once it has not changed for a while."""

from task_taskmaster_files.waiting import Waiting


def look(waiting, now, *, complete=True, **marks):
    waiting.begin()
    ready = [path for path, mark in marks.items() if waiting.is_ready(path, mark, now)]
    waiting.end(complete=complete)
    return ready


def test_a_file_is_told_after_its_quiet_time():
    """Not at first sight."""
    waiting = Waiting(10)
    assert look(waiting, 0, a=1) == []
    assert look(waiting, 9, a=1) == []
    assert look(waiting, 10, a=1) == ["a"]


def test_a_file_that_changes_begins_anew():
    """However long it is written."""
    waiting = Waiting(10)
    assert [look(waiting, now, a=now) for now in range(0, 100, 5)] == [[]] * 20
    assert look(waiting, 105, a=95) == ["a"]


def test_a_file_that_is_gone_for_a_moment_begins_anew():
    """It may be another one."""
    waiting = Waiting(10)
    look(waiting, 0, a=1)
    look(waiting, 5)
    assert look(waiting, 10, a=1) == []


def test_a_failed_listing_forgets_nothing():
    """What it did not see may be there."""
    waiting = Waiting(10)
    look(waiting, 0, a=1)
    look(waiting, 5, complete=False)
    assert look(waiting, 10, a=1) == ["a"]


def test_without_a_quiet_time_a_file_is_finished_at_once():
    """Where it comes as a whole."""
    assert look(Waiting(0), 0, a=1) == ["a"]


def test_it_knows_when_to_look_again():
    """And what is told is waited for no more."""
    waiting = Waiting(10)
    look(waiting, 0, a=1)
    look(waiting, 4, a=1, b=1)
    assert waiting.next(4) == 10
    waiting.begin()
    assert waiting.is_ready("a", 1, 10)
    waiting.is_ready("b", 1, 10)
    waiting.told(["a"])
    waiting.end(complete=True)
    assert waiting.next(10) == 14


def test_what_was_quiet_already_does_not_hurry():
    """It waits for a marker, which may never come."""
    waiting = Waiting(10)
    look(waiting, 0, a=1)
    look(waiting, 20, a=1)
    assert waiting.next(20) is None
