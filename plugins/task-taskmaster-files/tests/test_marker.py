"""Markers tell that a file, or all of a folder, is finished."""

import pytest
from task_taskmaster_files.marker import Marker


def test_a_file_is_finished_when_its_marker_is_there():
    """Beside it, under its name."""
    marker = Marker("{file}.done")
    assert marker.says_done("a.csv", {"a.csv": 1, "a.csv.done": 2})
    assert not marker.says_done("a.csv", {"a.csv": 1, "b.csv.done": 2})


def test_one_marker_may_speak_for_a_folder():
    """As Spark and Hadoop have it."""
    for text in ("{dir}/_SUCCESS", "_SUCCESS"):
        assert Marker(text).says_done("a.csv", {"a.csv": 1, "_SUCCESS": 1})


def test_a_marker_may_have_another_suffix():
    """In place of the file's."""
    assert Marker("{dir}/{stem}.ok").says_done("a.csv", {"a.csv": 1, "a.ok": 1})


def test_a_marker_of_an_earlier_version_says_nothing():
    """The file was written after it."""
    assert not Marker("{file}.done").says_done("a", {"a": 3, "a.done": 2})


def test_a_marker_counts_where_no_times_are_told():
    """Its being there is all that there is."""
    assert Marker("{file}.done").says_done("a", {"a": None, "a.done": None})


def test_markers_are_no_files():
    """Their names are left out."""
    assert Marker("{file}.done").pattern() == "*.done"
    assert Marker("{stem}.ok").pattern() == "*.ok"
    assert Marker("{dir}/_SUCCESS").pattern() == "_SUCCESS"


@pytest.mark.parametrize("text", ["{dir}/x/done", "{fil}.done", "{dir}/", "../x"])
def test_a_marker_is_in_the_folder_of_its_file(text):
    """Others would have to be looked for."""
    with pytest.raises(ValueError, match="names a file in the folder of the other"):
        Marker(text)
