"""Rules of `state`: what is done is on the disk, whole."""

import json
from datetime import UTC, datetime

import pytest
from task_taskmaster_cron.state import Progress, StateFile

from task_core.api import OptionError

MOMENT = datetime(2026, 1, 31, 4, tzinfo=UTC)


@pytest.fixture
def state(tmp_path):
    return StateFile(tmp_path / "rules.state.json")


def progress(key="a", done=MOMENT):
    return Progress(key=key, name=f"rule {key}", done=done)


def test_what_was_saved_is_loaded(state):
    """By the key of the rule; no file means that nothing is done."""
    assert state.load() == {}
    state.save([progress("a"), progress("b")])
    assert state.load() == {"a": MOMENT, "b": MOMENT}
    state.save([progress("b")])
    assert state.load() == {"b": MOMENT}


def test_people_can_read_it(state):
    """Which rule, and how far."""
    state.save([progress()])
    assert json.loads(state.path.read_text()) == {
        "version": 1,
        "rules": {"a": {"rule": "rule a", "done": "2026-01-31T04:00:00Z"}},
    }


def test_the_old_file_stays_until_the_new_one_is_whole(state, tmp_path):
    """A new one that cannot be written changes nothing; half a one is not read."""
    state.save([progress("a")])
    half = tmp_path / "rules.state.json.new"
    half.mkdir()
    with pytest.raises(OSError, match="directory"):
        state.save([progress("b")])
    assert state.load() == {"a": MOMENT}
    half.rmdir()
    half.write_text("{")
    assert state.load() == {"a": MOMENT}
    state.save([progress("b")])
    assert (state.load(), half.exists()) == ({"b": MOMENT}, False)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is damaged"),
        (b'{"version": 1, "ru', "is damaged"),
        (b"\xff\xfe\xfa", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b"[]", "is not what this program wrote"),
        (b"{}", "is not what this program wrote (KeyError('version'))"),
        (b'{"version": 2, "rules": {}}', "(ValueError('version 2'))"),
        (b'{"version": 1, "rules": []}', "is not what this program wrote"),
        (b'{"version": 1, "rules": {"a": 1}}', "is not what this program wrote"),
        (b'{"version": 1, "rules": {"a": {"done": 1}}}', "is not what this program"),
        (b'{"version": 1, "rules": {"a": {"done": "x"}}}', "is not what this program"),
        (
            b'{"version": 1, "rules": {"a": {"done": "2026-01-31"}}}',
            "'2026-01-31' has no time zone",
        ),
    ],
)
def test_a_damaged_file_is_told(state, content, problem):
    """With what to do: to begin anew is nothing that a program may decide."""
    state.path.write_bytes(content)
    with pytest.raises(OptionError) as error:
        state.load()
    assert problem in str(error.value)
    assert str(error.value).startswith(f"state {state.path} ")
    assert str(error.value).endswith("restore it, or remove it to begin anew from now")


def test_a_file_that_cannot_be_read_is_told(state):
    """With the reason."""
    state.path.mkdir()
    with pytest.raises(OptionError, match="cannot read state .*: Is a directory"):
        state.load()


def test_a_link_stays_a_link(state, tmp_path):
    """The file that it names is replaced; a folder of links is how some deploy."""
    real = tmp_path / "kept" / "real.json"
    real.parent.mkdir()
    state.path.symlink_to(real)
    state = StateFile(state.path)
    state.save([progress("a")])
    assert state.path.is_symlink()
    assert real.exists()
    assert state.load() == {"a": MOMENT}
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [
        state.path.name
    ]
