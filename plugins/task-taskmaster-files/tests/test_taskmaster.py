"""What is told, and when: each version of each file once."""

import os

import fsspec
import pytest
from task_store import StoreAwayError, StoreError
from task_store.progress import Progress
from task_store.seen import Seen


def test_a_new_file_is_told_when_it_has_been_quiet(place):
    """With its path as info, and in its meta."""
    place.rule()
    ((task, topic),) = place.run(100, {5: lambda: place.write("a.csv")})
    assert (task.type, topic) == ("load", "load")
    assert task.info == f"{place.base}/a.csv"
    assert "filename=a.csv" in task.meta


def test_a_file_that_is_being_written_is_not_told(place):
    """Each change begins its quiet time anew: once, at the end, and with all of it."""
    place.rule(more='template = "{file}?size={size}"\nevery = "1s"')
    writes = {t: lambda t=t: place.write("a.csv", "x" * t) for t in range(5, 65, 5)}
    assert place.names(200, writes) == ["a.csv?size=60"]


def test_a_file_that_changes_later_is_told_again(place):
    """Each version once."""
    place.rule(more='every = "5s"')
    writes = {t: lambda t=t: place.write("a.csv", "x" * t) for t in (5, 50)}
    assert place.names(100, writes) == ["a.csv", "a.csv"]


def test_a_restart_tells_nothing_again_and_misses_nothing(place):
    """What came while nobody was there is found."""
    place.rule()
    place.write("a.csv")
    assert place.names(30) == ["a.csv"]
    place.write("b.csv")
    place.write("a.csv", "other")
    assert place.names(30) == ["a.csv", "b.csv"]
    assert place.names(30) == []


def test_a_file_from_before_1970_is_told_once(place):
    """As it may come out of an archive: its version has a sign."""
    place.rule()
    os.utime(place.write("a.csv"), ns=(-5, -5))
    assert place.names(30) == ["a.csv"]
    assert place.names(30) == []


def test_a_rule_that_moves_here_from_another_storage_starts(place):
    """By its name it keeps a memory, whose versions are none of this machine's."""
    bucket = fsspec.filesystem("memory")
    bucket.pipe("/moving/a.csv", b"x")
    rule = '[[rule]]\nname = "in"\ntype = "load"\nexisting = "send"\nfiles = '
    place.rules.write_text(f'{rule}"memory://moving/*.csv"\n')
    assert place.names(30) == ["memory://moving/a.csv"]
    place.write("a.csv")
    place.rules.write_text(f'{rule}"{place.base}/*.csv"\n')
    assert place.names(30) == ["a.csv"], "by another path it is another file"
    assert place.names(30) == []


def test_at_the_first_start_what_is_there_is_left_alone(place):
    """Unless the rule says otherwise; what changes later is told."""
    place.rule(existing=None)
    place.write("a.csv")
    place.write("b.csv")
    change = {90: lambda: place.write("a.csv", "other")}
    assert place.names(200, change) == ["a.csv"]
    place.write("c.csv")
    assert place.names(30) == ["c.csv"]


@pytest.fixture
def broken(place, monkeypatch):
    """Make the folder unreadable while this list has something in it."""
    open_, broken = os.open, []

    def fail(path, flags, *more, **others):
        if broken and str(path).startswith(str(place.base)):
            raise PermissionError(13, "Permission denied")
        return open_(path, flags, *more, **others)

    monkeypatch.setattr(os, "open", fail)
    return broken


def test_a_rule_begins_only_when_its_files_can_be_listed(place, broken):
    """Else all of them would be told when they can."""
    place.rule(existing=None)
    place.write("a.csv")
    broken.append(1)
    assert place.names(30) == []
    broken.clear()
    assert place.names(30) == []
    place.write("b.csv")
    assert place.names(30) == ["b.csv"]


def test_a_listing_that_fails_tells_nothing_twice(place, broken):
    """When it works again, what is known is known: Go's filewatcher sent it all."""
    place.rule(more='every = "5s"')
    place.write("a.csv")
    script = {30: lambda: broken.append(1), 60: broken.clear}
    assert place.names(100, script) == ["a.csv"]
    assert place.facts["rules"][0]["problems"] == []


def test_what_cannot_be_listed_is_told_once(place, broken, caplog):
    """And again when it has changed."""
    place.rule(more='every = "5s"')
    broken.append(1)
    place.run(100)
    assert caplog.text.count("cannot list") == 1
    assert "Permission denied; looking again" in caplog.text


def test_a_marker_tells_that_a_file_is_finished(place):
    """And is none itself."""
    place.rule(files="*", more='marker = "{file}.done"\nevery = "1s"')
    script = {
        5: lambda: place.write("a"),
        50: lambda: place.write("a.done"),
        51: lambda: place.write("b"),
    }
    assert place.names(100, script) == ["a"]


def test_files_of_a_look_back_are_found_in_their_folders(place):
    """And tell the hour that they are about."""
    place.rule("{yyyy}/{mm}/{dd}/*.csv", more='template = "{file}?d={yyyy}{mm}{dd}"')
    place.write("2025/12/31/a.csv")
    place.write("2025/12/30/b.csv")
    ((task, _),) = place.run(30)
    assert task.info.endswith("/2025/12/31/a.csv?d=20251231")
    assert "cron=2025-12-31T00" in task.meta


def test_the_date_of_a_path_is_known_without_tokens(place):
    """As Go's taskmasters guess it."""
    place.rule("**/*.csv", more='template = "{file}?h={hour_slug}"')
    place.write("x/2026-01-05/a.csv")
    ((task, _),) = place.run(30)
    assert task.info.endswith("?h=2026/01/05/00")


def test_a_file_without_the_date_that_is_asked_for_is_an_alert(place):
    """No task with `{yyyy}` in its info, and nothing silent."""
    place.rule(more='template = "{file}?y={yyyy}"')
    path = place.write("a.csv")
    ((task, topic),) = place.run(30)
    assert (topic, task.result, task.info) == ("done", "alert", path)
    assert "no date in its path" in task.msg


def test_two_rules_tell_a_file_each(place):
    """To its own topic."""
    one = f'[[rule]]\nfiles = "{place.base}/*.csv"\nexisting = "send"\n'
    place.rules.write_text(f'{one}type = "a"\n{one}type = "b"\ntopic = "c"\n')
    place.write("a.csv")
    sent = [(task.type, topic) for task, topic in place.run(30)]
    assert sent == [("a", "a"), ("b", "c")]


def test_a_file_whose_name_no_one_can_write_down_is_left_out(place, caplog):
    """That is told, and the others go on."""
    place.rule()
    with open(os.path.join(os.fsencode(place.base), b"\xff.csv"), "wb"):
        pass
    place.write("a.csv")
    assert place.names(30) == ["a.csv"]
    assert caplog.text.count("its name is not UTF-8") == 1


def test_a_file_that_is_gone_for_long_is_forgotten(place):
    """And one that is there never is, however old."""
    place.rule(more='every = "1h"')
    place.write("a.csv")
    path = place.write("b.csv")
    place.run(30)
    os.remove(path)
    place.age(days=44)
    place.run(2 * 3600)
    assert place.seen() == ["a.csv", "b.csv"]
    place.age(days=2)
    assert place.names(2 * 3600) == []
    assert place.seen() == ["a.csv"]


@pytest.mark.parametrize(("part", "method"), [(Progress, "advance"), (Seen, "older")])
def test_a_store_that_is_away_for_a_moment_ends_nothing(
    place, monkeypatch, part, method
):
    """Neither when a rule begins, nor when what is gone is looked for."""
    place.rule(more='every = "1h"')
    place.write("a.csv")
    real, failures = getattr(part, method), [StoreAwayError("the store is away")]

    def fail(self, *arguments):
        if failures:
            raise failures.pop()
        return real(self, *arguments)

    monkeypatch.setattr(part, method, fail)
    assert place.names(2 * 3600) == ["a.csv"]
    assert failures == []
    assert place.names(30) == [], "the rule has begun, and knows what it told"


def test_many_files_are_told_in_parts(place):
    """Each part in a transaction."""
    place.rule("**/*.csv")
    for number in range(250):
        place.write(f"{number % 3}/{number:03}.csv")
    assert len(set(place.names(60))) == 250
    assert place.names(60) == []


def test_facts_tell_what_each_rule_does(place):
    """For people."""
    place.rule()
    place.write("a.csv")
    place.run(30, {25: lambda: place.write("b.csv")})
    (facts,) = place.facts["rules"]
    assert (facts["files"], facts["told"], facts["problems"]) == (1, 1, [])


def test_an_empty_name_of_a_store_is_none(place):
    """It is not the default: a variable that is not set would choose it unseen."""
    place.rule()
    with pytest.raises(StoreError, match="a store is kept: name a path"):
        place.make(None, store="")
