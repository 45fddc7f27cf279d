"""Groups that have fired: how long that is known, and who looks it up."""

from file_groups import counts, group, write
from task_store.progress import Progress
from task_testing import RecordingBus

from task_core.api import PayloadError


def test_a_group_that_fired_long_ago_is_forgotten(place):
    """There may be one for each day and folder; what comes then begins it anew."""
    group(place, 'by = "dir", quiet = "20s", late = "ignore"')
    assert counts(place.run(100, {5: write(place, "x/a.csv")})) == [1]
    place.age(days=46)
    assert counts(place.run(100, {5: write(place, "y/a.csv")})) == [1]
    assert place.fired() == ["x", "y"]
    assert place.run(2 * 3600, {5: write(place, "x/b.csv")}) == []
    assert place.fired() == ["y"]
    assert counts(place.run(100, {5: write(place, "x/c.csv")})) == [1]


def test_only_the_groups_that_wait_are_looked_up(place, monkeypatch):
    """A rule may have fired for a million: nobody reads them all each second."""
    scopes, load = set(), Progress.load

    def listen(self, scope):
        scopes.add(scope)
        return load(self, scope)

    monkeypatch.setattr(Progress, "load", listen)
    group(place, 'by = "dir", quiet = "20s", late = "alert"')
    script = {5: write(place, "x/a.csv"), 60: write(place, "x/b.csv")}
    assert [topic for _, topic in place.run(200, script)] == ["load", "done"]
    assert scopes == {"files"}


def test_a_group_whose_task_the_bus_refuses_holds_up_no_other(
    place, monkeypatch, caplog
):
    """It has fired, and is tried again each hour; other rules go on."""
    monkeypatch.setattr(RecordingBus, "record", _picky(RecordingBus.record))
    one = f'[[rule]]\nfiles = "{place.base}/*/*.csv"\nexisting = "send"\n'
    one += 'quiet = "1s"\ngroup = { quiet = "5s" }\n'
    place.rules.write_text(f'{one}type = "load it"\n{one}type = "load"\n')
    place.write("x/a.csv")
    assert [topic for _, topic in place.run(100)] == ["load"]
    assert "put aside for an hour: 'load it' is no topic" in caplog.text


def _picky(record):
    def picky(self, call, things=()):
        bad = [at for at, it in enumerate(things) if " " in getattr(it, "topic", "")]
        if call == "send" and bad:
            raise PayloadError("'load it' is no topic", bad)
        record(self, call, things)

    return picky
