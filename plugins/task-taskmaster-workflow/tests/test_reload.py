"""Rules of reading again: nothing bad comes into force, nothing good waits for it."""

import errno
import os

import pytest
from flows import Flow, done
from task_store import StoreAwayError
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.timekeeper import SCOPE

from task_core.api import OptionError

PHASE = '[[phase]]\ntask = "{}"\ncron = "@hourly"\ntemplate = "{}"\n'


def types(sent):
    return sorted(task.type for task, _ in sent)


def test_one_bad_file_keeps_its_last_good_version_alone(files):
    """Defect 1: in flowlord no change of any file reaches the schedule any more."""
    files.write(PHASE.format("a", "1"), "a.toml")
    files.write(PHASE.format("b", "1"), "b.toml")
    flow = Flow(files)

    def edit():
        files.write(PHASE.format("a", "2").replace("@hourly", "bad"), "a.toml")
        files.write(PHASE.format("b", "2"), "b.toml")
        files.write(PHASE.format("c", "1"), "c.toml")

    sent = flow.pass_time(hours=1, seconds=1, edit=edit)
    infos = sorted((task.type, task.info) for task, _ in sent)
    assert infos == [("a", "1"), ("b", "2"), ("c", "1")]


@pytest.mark.parametrize(
    "bad",
    [
        PHASE.format("a", "2").replace("@hourly", "61 * * * *"),
        PHASE.format("a", "2") + 'offset = "-6hours"\n',
        PHASE.format("a", "2") + 'rule = "meta=k:1&meta-file=x"\n',
        "[[phase",
    ],
)
def test_a_bad_file_neither_doubles_nor_ends_what_fires(files, bad):
    """Defects 2 and 3: flowlord dies at the next firing, or fires twice for ever."""
    files.write(PHASE.format("a", "1"))
    flow = Flow(files)
    sent = flow.pass_time(hours=3, seconds=1, edit=lambda: files.write(bad))
    assert [task.info for task, _ in sent] == ["1", "1", "1"]


def test_what_is_gone_fires_no_more(files):
    """A file that is removed, or that a path no longer names: defect 4."""
    files.write(PHASE.format("a", "1"), "a.toml")
    gone = files.write(PHASE.format("b", "1"), "b.toml")
    flow = Flow(files)
    assert types(flow.pass_time(hours=1, seconds=1)) == ["a", "b"]
    sent = flow.pass_time(hours=1, edit=gone.unlink)
    assert types(sent) == ["a"]
    path = files.write(PHASE.format("c", "1"), "c.toml")
    flow.options = type(flow.options)(path=path)
    assert types(flow.pass_time(hours=1)) == ["c"]


def test_a_mistyped_key_keeps_a_file_out(files):
    """Defect 17: flowlord loads a phase without its parent, or without a template."""
    files.write(PHASE.format("a", "1"), "a.toml")
    files.write('[[phase]]\ntask = "b"\ndepends_on = "a"\n', "b.toml")
    library = Library(files.folder)
    assert list(library.book.entries) == ["a.toml"]
    assert "b.toml, line 3 (phase 1): unknown key 'depends_on'" in library.told[0]


def test_only_toml_files_are_read(files):
    """A README in the folder is none of its workflows; nor what is hidden."""
    files.write(PHASE.format("a", "1"), "sub/a.toml")
    files.write("hello", "README.md")
    files.write("hello", ".git/x.toml")
    assert list(Library(files.folder).book.entries) == ["sub/a.toml"]


def test_without_any_good_file_it_does_not_start(files):
    """All that is wrong is told at once."""
    files.write("[[phase", "a.toml")
    files.write('[[phase]]\ntask = "x"\ncron = "y"', "b.toml")
    with pytest.raises(OptionError) as error:
        Library(files.folder)
    assert {problem[:6] for problem in error.value.problems} == {"a.toml", "b.toml"}


def test_a_folder_that_goes_away_changes_nothing(files, tmp_path):
    """A disk may come back."""
    files.write(PHASE.format("a", "1"))
    library = Library(files.folder)
    files.folder.rename(tmp_path / "away")
    assert library.refresh() == []
    assert "there is no such file or folder" in library.told[0]
    assert list(library.book.entries) == ["shop.toml"]


def test_a_file_that_one_look_does_not_see_stays_in_force(files):
    """A checkout unlinks a file before it writes it anew; gone for two it is gone."""
    content = PHASE.format("a", "1")
    files.write(PHASE.format("b", "1"), "b.toml")
    path = files.write(content)
    library = Library(files.folder)
    path.unlink()
    assert library.refresh() == []
    path.write_text(content)
    assert library.refresh() == []
    path.unlink()
    assert library.refresh() == []
    assert list(library.book.entries) == ["b.toml", "shop.toml"]
    assert library.refresh() == ["-shop.toml"]
    assert list(library.book.entries) == ["b.toml"]


def test_a_folder_that_is_empty_changes_nothing(files):
    """It is where a share was mounted; that it has come back is told, too."""
    content = PHASE.format("a", "1")
    path = files.write(content)
    library = Library(files.folder)
    path.unlink()
    for _ in range(3):
        assert library.refresh() == []
        assert "there is no .toml file in it" in library.told[0]
    assert list(library.book.entries) == ["shop.toml"]
    path.write_text(content)
    assert library.refresh() == []
    assert library.told == []


@pytest.mark.parametrize("folder", ["sub", ""])
def test_a_folder_that_cannot_be_listed_keeps_what_is_in_it(files, monkeypatch, folder):
    """Others are read again; and it is told."""
    files.write(PHASE.format("a", "1"), "sub/deep/a.toml")
    files.write(PHASE.format("b", "1"), "b.toml")
    library = Library(files.folder)
    files.write(PHASE.format("c", "1"), "c.toml")
    wanted, scandir = str(files.folder / folder), os.scandir

    def broken(path):
        if os.fspath(path) == wanted:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", broken)
    looks = [library.refresh() for _ in range(3)]
    assert looks == ([["c.toml", "sub"], [], []] if folder else [[], [], []])
    told = f"cannot read {wanted}: " if folder else f"workflow {wanted}: Stale file"
    assert told in library.told[0]
    assert "sub/deep/a.toml" in library.book.entries
    monkeypatch.undo()
    library.refresh()
    library.refresh()
    assert library.told == []
    assert list(library.book.entries) == ["b.toml", "sub/deep/a.toml", "c.toml"]


def test_done_tasks_meet_the_book_that_is_in_force(files):
    """It is swapped in one step."""
    files.write(PHASE.format("a", "1"))
    flow = Flow(files)
    assert flow.after(done("a")) == []
    files.write(PHASE.format("a", "1") + '[[phase]]\ntask = "b"\ndependsOn = "a"\n')
    assert [task.type for task in flow.after(done("a"))] == ["b"]


def ahead(flow):
    """Let an instance whose clock is wrong be done up to next year."""
    for key, moment in flow.store.progress.load(SCOPE).items():
        flow.store.progress.advance(SCOPE, key, moment + 365 * 86400)


def test_the_wrong_clock_of_another_silences_nothing_when_files_are_read_again(files):
    """Then what the store has counts."""
    files.write(PHASE.format("a", "1"), "a.toml")
    flow = Flow(files)

    def edit():
        ahead(flow)
        files.write(PHASE.format("b", "1"), "b.toml")

    assert types(flow.pass_time(hours=1, seconds=1, edit=edit)) == ["a", "b"]


def test_a_store_that_is_away_while_a_clock_is_heeded_is_waited_for(files):
    """As everywhere else."""
    files.write(PHASE.format("a", "1"))
    flow = Flow(files)
    flow.pass_time(seconds=1)
    ahead(flow)
    put_back, failures = flow.store.progress.put_back, [StoreAwayError("away")]

    def away_once(*words):
        while failures:
            raise failures.pop()
        return put_back(*words)

    flow.store.progress.put_back = away_once
    assert types(flow.pass_time(hours=1)) == ["a"]
