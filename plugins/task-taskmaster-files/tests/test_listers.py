"""Listing: what is found, what is left out, what counts as another version."""

import os
from datetime import UTC, datetime, timedelta

import fsspec
import pytest
from task_taskmaster_files.local import LocalLister
from task_taskmaster_files.names import Names
from task_taskmaster_files.pattern import Pattern
from task_taskmaster_files.remote import RemoteLister
from task_taskmaster_files.rules import IGNORE

from task_core.api import OptionError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class LocalTree:
    """Files of this machine."""

    def __init__(self, folder):
        self.base = str(folder)
        self.lister = LocalLister()

    def write(self, name, text="x"):
        path = f"{self.base}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def remove(self, name):
        os.remove(f"{self.base}/{name}")


class RemoteTree:
    """Files of a storage that fsspec has in memory."""

    def __init__(self, folder):
        self.base = f"memory://{folder.name}"
        self.storage = fsspec.filesystem("memory")
        self.lister = RemoteLister(self.base, {})

    def write(self, name, text="x"):
        self.storage.pipe(f"{self.base}/{name}", text.encode())

    def remove(self, name):
        self.storage.rm(f"{self.base}/{name}")


@pytest.fixture(params=[LocalTree, RemoteTree])
def tree(request, tmp_path):
    return request.param(tmp_path)


def scan(tree, pattern, known=(), ignored=IGNORE):
    """Return what is found, as (mark, path below the base)."""
    found = []
    whole = Pattern(f"{tree.base}/{pattern}", UTC)
    for place in whole.places(NOW, timedelta(days=1)):
        for folder in tree.lister.scan(place, Names(place.segments, ignored), known):
            assert not folder.error
            for mark, name, facts in folder.fresh:
                file = tree.lister.file(folder.path, name, facts, place.moment)
                assert tree.lister.mark(file.path, file.version) == mark
                found.append((mark, file))
    return found


def names(tree, pattern, **keywords):
    base = f"{tree.base}/"
    return sorted(f.path.removeprefix(base) for _, f in scan(tree, pattern, **keywords))


def test_wildcards_find_files_in_folders(tree):
    """And nothing beside or below them."""
    for name in ("a.csv", "a.txt", "x/b.csv", "x/y/c.csv"):
        tree.write(name)
    assert names(tree, "*.csv") == ["a.csv"]
    assert names(tree, "*/*.csv") == ["x/b.csv"]
    assert names(tree, "x/b.csv") == ["x/b.csv"]


def test_two_stars_stand_for_any_number_of_folders(tree):
    """None among them."""
    for name in ("a.csv", "x/b.csv", "x/y/c.csv", "x/y/z.txt"):
        tree.write(name)
    assert names(tree, "**/*.csv") == ["a.csv", "x/b.csv", "x/y/c.csv"]
    assert names(tree, "x/**") == ["x/b.csv", "x/y/c.csv", "x/y/z.txt"]
    assert names(tree, "**/y/*") == ["x/y/c.csv", "x/y/z.txt"]


def test_a_folder_that_is_not_there_has_no_files(tree):
    """It may come; that it is missing is no error."""
    assert names(tree, "no/*.csv") == []
    (place,) = Pattern(f"{tree.base}/no/*.csv", UTC).places(NOW, timedelta(0))
    (folder,) = tree.lister.scan(place, Names(place.segments, ()), ())
    assert folder.missing


def test_date_tokens_lead_to_their_folders(tree):
    """Those of the look-back, and no older ones."""
    for day in ("27", "28"):
        tree.write(f"2026/02/{day}/a.csv")
    ((_, file),) = scan(tree, "{yyyy}/{mm}/{dd}/*.csv")
    assert file.path.endswith("2026/02/28/a.csv")
    assert file.moment == datetime(2026, 2, 28, tzinfo=UTC)


def test_work_files_are_left_out(tree):
    """Hidden folders too, unless the pattern names them."""
    for name in ("a.csv", ".b.csv", "c.csv.tmp", "d.part", ".git/e.csv"):
        tree.write(name)
    assert names(tree, "**/*") == ["a.csv"]
    assert names(tree, ".git/*") == [".git/e.csv"]
    assert names(tree, "*", ignored=()) == [".b.csv", "a.csv", "c.csv.tmp", "d.part"]


def test_what_is_known_is_not_told_again(tree):
    """Until its content changes."""
    tree.write("a.csv")
    ((mark, file),) = scan(tree, "*.csv")
    assert file.size == 1
    assert scan(tree, "*.csv", known={mark}) == []
    tree.write("a.csv", "more")
    ((other, file),) = scan(tree, "*.csv", known={mark})
    assert other != mark
    assert file.size == 4


def test_a_file_that_is_gone_is_not_found(tree):
    """Whatever a cache remembers."""
    tree.write("a.csv")
    tree.write("b.csv")
    assert names(tree, "*.csv") == ["a.csv", "b.csv"]
    tree.remove("a.csv")
    assert names(tree, "*.csv") == ["b.csv"]


def test_names_that_mean_something_elsewhere_are_only_names(tree):
    """A file's name may have anything but a slash."""
    for name in ("50%.csv", "a b.csv", "a#b.csv", "a[1].csv", "ü.csv"):
        tree.write(name)
    assert len(names(tree, "*.csv")) == 5
    assert names(tree, "a[[]1].csv") == ["a[1].csv"]


class TestLocal:
    def test_a_replaced_file_is_another_version(self, tmp_path):
        """Of the same size and time: its inode tells."""
        tree = LocalTree(tmp_path)
        tree.write("a.csv")
        os.utime(tmp_path / "a.csv", ns=(1, 1))
        ((mark, _),) = scan(tree, "*.csv")
        tree.write("new")
        os.utime(tmp_path / "new", ns=(1, 1))
        os.replace(tmp_path / "new", tmp_path / "a.csv")
        assert len(scan(tree, "*.csv", known={mark})) == 1

    def test_links_to_folders_lead_no_one_in_circles(self, tmp_path):
        """`**` passes them by; a name that means one goes in."""
        tree = LocalTree(tmp_path)
        tree.write("x/a.csv")
        os.symlink(tmp_path, tmp_path / "x" / "loop")
        os.symlink(tmp_path / "x", tmp_path / "link")
        assert names(tree, "**/*.csv") == ["x/a.csv"]
        assert names(tree, "link/*.csv") == ["link/a.csv"]

    def test_what_is_no_file_is_passed_by(self, tmp_path):
        """Pipes, and links to nowhere."""
        tree = LocalTree(tmp_path)
        os.mkfifo(tmp_path / "pipe")
        os.symlink(tmp_path / "nothing", tmp_path / "link")
        os.mkdir(tmp_path / "folder")
        assert names(tree, "*") == []


def test_a_storage_that_is_not_installed_is_told():
    """With the command that installs it, where that is known."""
    with pytest.raises(OptionError, match="nosuch:// cannot be listed"):
        RemoteLister("nosuch://a/b", {})
