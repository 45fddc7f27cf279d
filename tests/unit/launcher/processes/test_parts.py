"""Rules of the small parts of slots that are processes."""

import logging
import pickle
import signal

import process_workers as workers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.api import worker
from task_core.errors import UsageError, WorkerError
from task_core.launcher.plan import Plan
from task_core.launcher.processes.ends import describe_end
from task_core.launcher.processes.frames import (
    Back,
    Done,
    Frames,
    FromChild,
    Log,
    Print,
    Ready,
    frame,
)
from task_core.launcher.processes.limits import Limits, resident
from task_core.launcher.processes.lines import LONGEST, Lines, repeat
from task_core.launcher.processes.recipe import Preparing, Recipe, write

MESSAGES = st.lists(
    st.one_of(
        st.just(Ready()),
        st.builds(Back, st.lists(st.integers(0, 1 << 40))),
        st.builds(Print, st.integers(1, 2), st.text()),
        st.builds(
            Done,
            number=st.integers(0, 1 << 40),
            task=st.binary(max_size=300),
            kind=st.text(),
            msg=st.text(),
            delay=st.none() | st.floats(0, 1e9),
            took=st.floats(0, 1e9),
            excepted=st.booleans(),
            children=st.lists(st.tuples(st.binary(), st.text())),
        ),
    )
)


@given(st.lists(MESSAGES, max_size=5), st.integers(1, 50))
def test_messages_come_as_they_were_sent_however_the_bytes_are_cut(groups, size):
    """A socket keeps no boundaries."""
    stream = b"".join(frame(group) for group in groups)
    frames, found = Frames(FromChild), []
    for at in range(0, len(stream), size):
        found += frames.feed(stream[at : at + size])
    assert found == [message for group in groups for message in group]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exited with 0"),
        (3, "exited with 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-signal.SIGKILL, "was killed by SIGKILL (out of memory?)"),
        (-signal.SIGRTMIN - 1, f"was killed by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_an_end_is_told_by_the_name_of_its_signal(code, text):
    """Nobody knows them by number."""
    assert describe_end(code) == text


def test_a_process_retires_by_count_by_size_and_when_it_was_interrupted():
    """And says why."""
    counted = Limits(2, 0)
    assert [counted.reached(interrupted=False) for _ in range(2)] == ["", "2 tasks"]
    assert Limits(0, 1).reached(interrupted=False).endswith(" MiB in memory")
    assert not Limits(0, 1 << 60).reached(interrupted=False)
    assert Limits(0, 0).reached(interrupted=True)
    assert resident() > 1 << 20


def test_lines_are_written_whole(capsys):
    """What two streams print is not mixed within a line."""
    lines = Lines()
    for stream, text in [(1, "a"), (2, "b\n"), (1, "c\nd"), (1, "\n"), (2, "e")]:
        lines.add(Print(stream, text))
    assert capsys.readouterr().err == "b\nac\nd\n"
    lines.end()
    assert capsys.readouterr().err == "e\n"
    lines.add(Print(1, "x" * (LONGEST + 1)))
    assert len(capsys.readouterr().err) == LONGEST + 2


def test_a_log_line_of_a_child_obeys_the_levels_of_the_parent(caplog):
    """A child may not know of a level that was set later."""
    line = Log({"name": "quiet", "levelno": logging.INFO, "msg": "psst %s"})
    with caplog.at_level(logging.WARNING, "quiet"):
        repeat(line)
    assert not caplog.records
    with caplog.at_level(logging.INFO, "quiet"):
        repeat(line)
    assert [one.getMessage() for one in caplog.records] == ["psst %s"]


@pytest.mark.parametrize("name", ["upper", "Counts", "note", "RENAMED"])
def test_a_worker_of_a_module_is_found_by_its_name(name):
    """A manifest, also under another name, or a plain function."""
    given_ = getattr(workers, name)
    recipe = write(given_, name, None, Plan())
    assert isinstance(recipe, Recipe)
    assert pickle.loads(recipe.find)() is given_
    assert "init_main_from_path" not in recipe.process


def test_a_worker_that_has_no_name_is_refused():
    """In one line."""

    @worker
    def inner(info):
        """Be found by nobody."""

    with pytest.raises(WorkerError, match="worker 'inner' cannot go to a process"):
        write(inner, "inner", None, Plan())
    with pytest.raises(WorkerError, match="options of worker 'upper' cannot go to"):
        write(workers.upper, "upper", lambda: None, Plan())


def test_a_program_without_a_guard_is_told(monkeypatch):
    """Its processes would start processes."""
    monkeypatch.setattr(Preparing, "now", True)
    with pytest.raises(UsageError, match='if __name__ == "__main__":'):
        write(workers.upper, "upper", None, Plan())
