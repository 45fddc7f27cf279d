"""Rules of `task_core.discovery.installed`: it tells what the standard library does."""

import importlib.metadata
import sys
import zipfile

import pytest
from task_testing.dists import write_distribution

from task_core.discovery.found import CORE, GROUPS, IF_SET, normalise
from task_core.discovery.installed import (
    copies_of,
    installed,
    summary_of,
    unreadable,
    versions,
)

BUS = {"task_core.bus": {"x": "x_mod:plugin"}}


def ours(path):
    return sorted(
        (IF_SET if f.if_set else f"task_core.{f.kind}", f.name, f.value)
        for f in installed(path)
    )


def theirs(path):
    """As `importlib.metadata.entry_points` does, of one name the first."""
    seen, points = set(), []
    for distribution in importlib.metadata.distributions(path=path):
        name = distribution._normalized_name
        if name not in seen and normalise(name) != CORE:
            points += distribution.entry_points
        seen.add(name)
    return sorted((p.group, p.name, p.value) for p in points if p.group in GROUPS)


def test_it_agrees_with_the_standard_on_the_real_environment():
    """Editable installs and all."""
    assert ours(sys.path) == theirs(sys.path)


@pytest.fixture
def tree(tmp_path):
    """Two folders with everything that is found in the wild."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_distribution(first, "task-bus-wheel", entry_points=BUS, version="2.0")
    write_distribution(first, "task-bus-egg", entry_points=BUS, layout="egg-info")
    write_distribution(first, "task-bus-debris", entry_points=BUS, metadata=False)
    write_distribution(first, "other", entry_points={"console_scripts": {"a": "b:c"}})
    write_distribution(
        first, "task-bus-dev", entry_points=BUS, editable=tmp_path / "src"
    )
    write_distribution(
        second, "task-bus-wheel", entry_points={"task_core.bus": {"old": "o:p"}}
    )
    write_distribution(second, "Task.Worker-Odd", entry_points=BUS)
    write_distribution(first, "task-framework", entry_points=BUS)
    (second / "lone.egg-info").write_text("Name: lone\n")
    egg = second / "task_bus_old-1.0-py3.11.egg"
    write_distribution(egg, "inner", entry_points=BUS, layout="egg-info")
    (egg / "inner-1.0.egg-info").rename(egg / "EGG-INFO")
    return [str(first), str(tmp_path / "nowhere"), str(second), str(egg), str(first)]


def test_it_agrees_with_the_standard_on_everything_in_the_wild(tree):
    """Egg, debris, editable, one distribution twice, folders that are not there."""
    assert ours(tree) == theirs(tree)
    assert len(ours(tree)) == 6


def test_of_one_name_the_first_distribution_counts(tree):
    """The other one is hidden, as it is from `import`."""
    [wheel] = [f for f in installed(tree) if f.distribution == "task-bus-wheel"]
    assert wheel.version == "2.0"
    assert len(copies_of(wheel, tree[:3])) == 2
    assert versions(tree)["task-bus-wheel"] == "2.0"


def test_a_copy_without_plugins_hides_one_that_has_some(tmp_path):
    """As an upgrade that dropped them."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_distribution(first, "task-bus-x")
    write_distribution(second, "task-bus-x", entry_points=BUS)
    assert installed([str(first), str(second)]) == []


def test_a_folder_without_metadata_gives_name_and_version_itself(tree):
    """So that messages can name it."""
    [debris] = [f for f in installed(tree) if "debris" in f.location]
    assert (debris.distribution, debris.version) == ("task-bus-debris", "1.0")


def test_a_zip_file_on_the_path_is_looked_into(tmp_path):
    """As the standard library does."""
    location = write_distribution(tmp_path / "a", "task-bus-zip", entry_points=BUS)
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in location.iterdir():
            bundle.write(file, f"{location.name}/{file.name}")
    assert ours([str(archive)]) == [("task_core.bus", "x", "x_mod:plugin")]


def test_what_extras_say_about_an_entry_point_changes_nothing(tmp_path):
    """They are obsolete."""
    points = {"task_core.bus": {"x": "a : b.c [extra]"}}
    write_distribution(tmp_path, "task-bus-x", entry_points=points)
    assert ours([str(tmp_path)]) == [("task_core.bus", "x", "a:b.c")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[task_core.bus]\n\nx\n", "line 3, 'x', is not NAME = MODULE:OBJECT"),
        (b"[task_core.bus]\n\xe9 = a:b\n", "not UTF-8"),
    ],
)
def test_whose_entry_points_cannot_be_read_is_known(tmp_path, text, why):
    """What it brings is not; the others are found."""
    write_distribution(tmp_path, "task-bus-good", entry_points=BUS)
    location = write_distribution(tmp_path, "task-bus-bad", version="2.0")
    (location / "entry_points.txt").write_bytes(text)
    path = [str(tmp_path)]
    assert ours(path) == [("task_core.bus", "x", "x_mod:plugin")]
    [(found, told)] = unreadable(path)
    assert (found.owner, told) == ("task-bus-bad 2.0", why)


@pytest.mark.parametrize("text", [b"[x]\n\xe9 = a:b\n", b"[x]\na\n"])
def test_what_brings_no_plugins_may_be_as_it_likes(tmp_path, text):
    """It is not ours to tell."""
    location = write_distribution(tmp_path, "other")
    (location / "entry_points.txt").write_bytes(text)
    assert unreadable([str(tmp_path)]) == []


def test_metadata_that_cannot_be_read_break_only_themselves(tmp_path):
    """The folder says name and version as well."""
    location = write_distribution(tmp_path, "old-one", version="3.1")
    (location / "METADATA").write_bytes(b"Name: old-one\nAuthor: Andr\xe9\n")
    found = write_distribution(tmp_path, "task-bus-x", entry_points=BUS)
    assert found
    path = [str(tmp_path)]
    assert versions(path) == {"old-one": "3.1", "task-bus-x": "1.0"}
    [x] = installed(path)
    assert copies_of(x, path) == {str(found)}


def test_names_are_compared_as_indexes_do():
    """Dots, dashes and underscores are one."""
    assert normalise("Task.Bus__NSQ") == "task-bus-nsq"


@pytest.mark.parametrize(
    ("headers", "summary"),
    [
        (b"Summary: Says\n        which bus.\n", "Says which bus."),
        (b"Name: task-x\n", ""),
        (b"Summary: \xff\n", ""),
        (None, ""),
    ],
)
def test_the_summary_of_a_distribution_is_what_it_says_if_it_does(
    tmp_path, headers, summary
):
    """Whatever is wrong with it, a list of what is there goes on."""
    location = write_distribution(tmp_path, "task-x", entry_points=BUS)
    (location / "METADATA").unlink()
    if headers is not None:
        (location / "METADATA").write_bytes(headers)
    (found,) = installed([str(tmp_path)])
    assert summary_of(found) == summary
