"""Groups of files: one task for many, and each version in one of them."""

import json
from urllib.parse import parse_qs

import pytest
from file_groups import counts, group, write

from task_core.api import OptionError


def test_a_group_fires_once_its_files_have_come(place, lines):
    """One task, with all of them in its manifest."""
    group(place, 'by = "dir", quiet = "1m"')
    script = {5: write(place, "x/a.csv", "x/b.csv"), 40: write(place, "x/c.csv")}
    ((task, topic),) = place.run(200, script)
    listed = lines(task.info)
    assert topic == "load"
    assert [it["path"] for it in listed] == [
        f"{place.base}/x/{name}.csv" for name in "abc"
    ]
    assert {it["size"] for it in listed} == {1}
    meta = parse_qs(task.meta)
    assert (meta["group"], meta["files"]) == ([f"{place.base}/x"], ["3"])
    assert meta["manifest"] == [task.info]


def test_a_group_of_five_with_a_count_of_three_fires_twice(place):
    """Three, and what is left at its time: Go's made three tasks of it."""
    group(place, 'by = "dir", count = 3, quiet = "1m"', 'template = "{dir}?n={count}"')
    names = [f"x/{number}.csv" for number in range(5)]
    sent = place.run(200, {5: write(place, *names)})
    assert [task.info for task, _ in sent] == [
        f"{place.base}/x?n=3",
        f"{place.base}/x?n=2",
    ]


def test_a_group_survives_restarts(place):
    """What waits is in the store: Go's was lost."""
    group(place, 'by = "dir", count = 3')
    assert place.run(30, {5: write(place, "x/a.csv", "x/b.csv")}) == []
    assert counts(place.run(30, {5: write(place, "x/c.csv")})) == [3]
    assert place.run(30) == []


def test_folders_are_groups_of_their_own(place):
    """Each fires for itself."""
    group(place, 'by = "dir", count = 2', 'template = "{dir}"')
    place.write("x/a.csv")
    place.write("y/a.csv")
    place.write("y/b.csv")
    ((task, _),) = place.run(60)
    assert task.info == f"{place.base}/y"


def test_a_group_may_be_a_time(place):
    """Whichever folders its files are in."""
    group(
        place,
        'by = "{yyyy}-{mm}-{dd}", quiet = "30s"',
        'template = "{dir}?g={group}&n={count}&s={size}"',
        files="*/{yyyy}/{mm}/{dd}/*.csv",
    )
    for shop in ("de", "fr"):
        place.write(f"{shop}/2026/01/01/a.csv")
    ((task, _),) = place.run(100)
    assert task.info == f"{place.base}?g=2026-01-01&n=2&s=2"
    assert parse_qs(task.meta)["cron"] == ["2026-01-01T00"]


def test_a_group_fires_at_a_time_of_the_day(place):
    """Also when nobody was there at that time."""
    group(place, 'by = "dir", at = "0 1 * * *"')
    place.write("x/a.csv")
    assert place.run(1800) == []
    place.clock.advance(7200)
    assert counts(place.run(30)) == [1]


def test_a_changed_file_is_in_its_group_once(place, lines):
    """Its latest version."""
    group(place, 'by = "dir", quiet = "1m"')
    script = {5: write(place, "x/a.csv"), 30: lambda: place.write("x/a.csv", "other")}
    ((task, _),) = place.run(200, script)
    assert [it["size"] for it in lines(task.info)] == [5]


def test_late_files_fire_their_group_again(place, lines):
    """With these alone, and it is told that they are late."""
    group(place, 'by = "dir", quiet = "30s"')
    script = {5: write(place, "x/a.csv"), 90: write(place, "x/b.csv")}
    (first, _), (second, _) = place.run(200, script)
    assert "late" not in parse_qs(first.meta)
    assert parse_qs(second.meta)["late"] == ["true"]
    assert [it["path"][-5:] for it in lines(second.info)] == ["b.csv"]


def late(sent):
    return ["late" in parse_qs(task.meta) for task, _ in sent]


@pytest.mark.parametrize("short", ["warn", "alert"])
def test_a_late_file_waits_for_no_others(place, short):
    """Its group had enough: one file more is no short group, and no alert."""
    times = 'quiet = "20s", max_wait = "1m"'
    group(place, f'by = "dir", {times}, min_count = 2, short = "{short}"')
    first = place.run(60, {5: write(place, "x/a.csv", "x/b.csv")})
    assert (counts(first), late(first)) == ([2], [False])
    again = place.run(60, {5: write(place, "x/c.csv")})
    assert [(task.result, topic) for task, topic in again] == [("", "load")]
    assert (counts(again), late(again)) == ([1], [True])
    assert "short" not in parse_qs(again[0][0].meta)


def test_a_late_file_of_a_counted_group_fires_it_again_when_told_so(place):
    """At once, when nothing else says when; also one that came with the others."""
    group(place, 'by = "dir", count = 2, late = "again"')
    sent = place.run(60, {5: write(place, "x/a.csv", "x/b.csv", "x/c.csv")})
    assert (counts(sent), late(sent)) == ([2, 1], [False, True])
    sent = place.run(60, {5: write(place, "x/d.csv")})
    assert (counts(sent), late(sent)) == ([1], [True])


def test_a_counted_group_begins_anew_unless_told_otherwise(place):
    """What is more waits for as many, and is not late."""
    group(place, 'by = "dir", count = 2')
    sent = place.run(60, {5: write(place, "x/a.csv", "x/b.csv", "x/c.csv")})
    assert counts(sent) == [2]
    sent = place.run(60, {5: write(place, "x/d.csv")})
    assert (counts(sent), late(sent)) == ([2], [False])


def test_a_late_file_may_be_an_alert(place):
    """For a person, and no task; also after a restart."""
    group(place, 'by = "dir", quiet = "30s", late = "alert"')
    assert len(place.run(60, {5: write(place, "x/a.csv")})) == 1
    ((task, topic),) = place.run(60, {5: write(place, "x/b.csv")})
    assert (topic, task.result) == ("done", "alert")
    assert "x/b.csv came after its group" in task.msg
    assert place.run(60) == []


@pytest.mark.parametrize("more", ["", ', quiet = "20s"'])
@pytest.mark.parametrize(("late", "alerts"), [("alert", 2), ("ignore", 0)])
def test_what_is_more_than_a_count_is_late_when_told_so(place, late, alerts, more):
    """Though it came with the others: none waits for ever."""
    group(place, f'by = "dir", count = 2, late = "{late}"{more}')
    names = [f"x/{name}.csv" for name in "abcd"]
    sent = place.run(100, {5: write(place, *names)})
    assert [task.result for task, _ in sent] == ["", *["alert"] * alerts]
    assert place.facts["grouped"] == {f"rule 1 ({place.base}/*/*.csv)": 0}
    assert place.run(60) == []


def test_many_late_files_are_told_in_parts(place):
    """Each once, also after a restart."""
    group(place, 'by = "dir", count = 1, late = "alert"')
    names = [f"x/{number:03}.csv" for number in range(251)]
    sent = place.run(60, {5: write(place, *names)})
    alerts = [task.info for task, topic in sent if topic == "done"]
    assert (len(alerts), len(set(alerts)), len(sent)) == (250, 250, 251)
    assert place.run(60) == []


def test_a_late_file_may_be_ignored(place, caplog):
    """That is in the log."""
    caplog.set_level("INFO")
    group(place, 'by = "dir", quiet = "30s", late = "ignore"')
    script = {5: write(place, "x/a.csv"), 90: write(place, "x/b.csv")}
    assert counts(place.run(200, script)) == [1]
    assert "had fired: ignored" in caplog.text


SHORT = 'by = "dir", count = 3, max_wait = "1m", min_count = 2'


def test_a_short_group_fires_when_it_may_wait_no_longer(place, caplog):
    """And says so."""
    group(place, SHORT)
    ((task, _),) = place.run(200, {5: write(place, "x/a.csv")})
    assert parse_qs(task.meta)["short"] == ["1 of 2"]
    assert "it should have 2" in caplog.text


def test_a_short_group_may_be_an_alert_and_waits_on(place):
    """One alert for as many files; it fires when enough have come."""
    group(place, f'{SHORT}, short = "alert"')
    assert [
        (t.result, topic) for t, topic in place.run(200, {5: write(place, "x/a.csv")})
    ] == [("alert", "done")]
    assert place.run(100) == []
    assert counts(place.run(100, {5: write(place, "x/b.csv")})) == [2]


def test_manifests_go_where_they_are_told(place, tmp_path):
    """To a folder or a storage; what lists the same has the same name."""
    group(place, 'by = "dir", count = 1')
    place.write("x/a.csv")
    ((task, _),) = place.run(60, manifests=str(tmp_path / "lists"))
    assert task.info.startswith(f"{tmp_path}/lists/load-")
    place.write("x/b.csv")
    ((task, _),) = place.run(60, manifests="memory://lists")
    import fsspec

    with fsspec.open(task.info) as file:
        assert json.loads(file.read())["path"].endswith("x/b.csv")


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("load", "load"),
        ("a/b", "a_b"),
        ("../zz", ".._zz"),
        ("what?", "what_"),
        ("l" * 300, "l" * 60),
    ],
)
def test_a_manifest_is_in_its_folder_whatever_the_type(place, tmp_path, type_, name):
    """And its name is one that a file may have."""
    group(place, 'by = "dir", count = 1')
    text = place.rules.read_text().replace('type = "load"', f'type = "{type_}"')
    place.rules.write_text(text)
    place.write("x/a.csv")
    ((task, topic),) = place.run(60, manifests=str(tmp_path / "lists"))
    (listed,) = (tmp_path / "lists").iterdir()
    assert (task.info, topic) == (str(listed), type_)
    assert listed.name.startswith(f"{name}-")


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("{base}/file/x", "Not a directory"),
        ("{base}/file", "File exists"),
        ("nosuch://lists", "Protocol not known: nosuch"),
    ],
)
def test_a_place_where_no_manifest_can_be_is_told_at_the_start(place, where, reason):
    """In one line, and before anything is told or written; not by the first group."""
    group(place, 'by = "dir", count = 1')
    place.write("file")
    where = where.format(base=place.base)
    with pytest.raises(OptionError) as caught:
        place.run(60, manifests=where)
    told = f"manifests cannot be written to {where}: {reason}"
    hint = "give another place with --taskmaster-manifests"
    assert str(caught.value) == f"{told}: {hint}"
    assert not place.store.exists()


def test_a_place_for_manifests_is_looked_at_only_when_some_are_written(place):
    """Rules without them need none, and none is made."""
    group(place, 'by = "dir", count = 1', 'template = "{dir}"')
    place.write("x/a.csv")
    assert counts(place.run(60, manifests=f"{place.rules}/x")) == [1]
    place.run(60)
    assert not place.rules.with_suffix(".manifests").exists()


def test_a_group_whose_file_has_no_date_is_an_alert(place):
    """It cannot be in one of a time."""
    group(place, 'by = "{yyyy}", count = 1', files="*.csv")
    place.write("a.csv")
    ((task, topic),) = place.run(60)
    assert (task.result, topic) == ("alert", "done")
