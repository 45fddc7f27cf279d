"""Rules of `task_core.discovery.metadata`: it sees what `importlib.metadata` sees."""

import importlib.metadata
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder

import pytest
from task_testing.dists import write_distribution

from task_core.discovery.metadata import (
    every_copy,
    headers,
    normalise,
    parse_entry_points,
    scan_path,
)

BUS = {"task_core.bus": {"x": "x_mod:plugin"}}


def ours(path):
    return sorted(point for d in scan_path(path) for point in d.entry_points)


def theirs(path):
    """As `importlib.metadata.entry_points` does, of one name the first."""
    seen, points = set(), []
    for distribution in importlib.metadata.distributions(path=path):
        if distribution._normalized_name not in seen:
            seen.add(distribution._normalized_name)
            points += distribution.entry_points
    return sorted(
        (p.group, p.name, p.value) for p in points if p.group.startswith("task_core.")
    )


def test_it_agrees_with_the_standard_on_the_real_environment():
    """Editable installs and all."""
    points = [
        (point.group, point.name, point.value)
        for group in ("bus", "worker", "taskmaster", "hooks")
        for point in importlib.metadata.entry_points(group=f"task_core.{group}")
    ]
    assert sorted(points) == ours(sys.path)
    assert ("task_core.bus", "stdio", "task_core.builtin.streams:stdio") in points


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
    [wheel] = [d for d in scan_path(tree) if d.name == "task-bus-wheel"]
    assert wheel.version == "2.0"
    copies = [d for d in every_copy(tree[:3]) if d.key == "task-bus-wheel"]
    assert [copy.version for copy in copies] == ["2.0", "1.0"]


def test_a_folder_without_metadata_gives_name_and_version_itself(tree):
    """So that messages can name it."""
    [debris] = [d for d in scan_path(tree) if "debris" in d.location]
    assert (debris.name, debris.version) == ("task-bus-debris", "1.0")
    assert headers(debris.location, "Name") == []


def test_a_zip_file_on_the_path_is_looked_into(tmp_path):
    """The slow way is right there."""
    location = write_distribution(tmp_path / "a", "task-bus-zip", entry_points=BUS)
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in location.iterdir():
            bundle.write(file, f"{location.name}/{file.name}")
    assert ours([str(archive)]) == [("task_core.bus", "x", "x_mod:plugin")]


def test_a_finder_that_brings_distributions_is_asked(tmp_path, monkeypatch):
    """Some programs keep packages in places of their own."""
    write_distribution(tmp_path, "task-bus-hidden", entry_points=BUS)

    class Finder:
        """Finds packages in a folder that is not on the path."""

        @staticmethod
        def find_spec(*_):
            return None

        @staticmethod
        def find_distributions(context):
            context = importlib.metadata.DistributionFinder.Context(
                path=[str(tmp_path)]
            )
            return PathFinder.find_distributions(context)

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert ours([]) == [("task_core.bus", "x", "x_mod:plugin")]


def test_the_usual_scan_does_not_pay_for_the_standard_one():
    """It would cost more than all the rest of the start."""
    code = (
        "import sys; from task_core.discovery.catalog import Catalog;"
        "assert Catalog.scan().names('bus');"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("[task_core.bus]\nx=a:b", [("task_core.bus", "x", "a:b")]),
        ("[task_core.bus]\n x = a : b.c [extra]", [("task_core.bus", "x", "a:b.c")]),
        (
            "[other]\nx=a:b\n[task_core.hooks]\n\n# y=z\nh=m",
            [("task_core.hooks", "h", "m")],
        ),
        ("[task_core.bus]\nnonsense\n[other]\nx=a:b", []),
    ],
)
def test_entry_points_of_our_groups_are_read(text, points):
    """Comments, blanks and obsolete extras do not matter."""
    assert list(parse_entry_points(text)) == points


def test_names_are_compared_as_indexes_do():
    """Dots, dashes and underscores are one."""
    assert normalise("Task.Bus__NSQ") == "task-bus-nsq"
