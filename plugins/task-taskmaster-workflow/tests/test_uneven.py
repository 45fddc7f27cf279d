"""Rules of joins of a run whose parents are of different batches, or one of none."""

from itertools import permutations

import pytest
from flows import Flow, meta_of
from flows import done as told
from task_taskmaster_workflow import there
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.graph import Graph

BATCH = """
[[phase]]
task = "a"
manual = true
[[phase]]
task = "b"
dependsOn = "a"
batch = { meta = { shop = ["de", "fr"] } }
[[phase]]
task = "c"
dependsOn = "a"
[[phase]]
task = "e"
dependsOn = ["b", "c"]
join_within = "12h"
template = "{meta:shop}"
keep = ["shop"]
"""
INNER = """
[[phase]]
task = "in"
dependsOn = "b"
batch = { meta = { n = ["1", "2"] } }
[[phase]]
task = "f"
dependsOn = ["c", "b", "in"]
template = "{meta:shop} {meta:n}"
keep = ["n"]
"""
HOURS = {"hours": 14}


@pytest.fixture
def flow(files):
    files.write(BATCH)
    return Flow(files)


def ended(type, row="", **more):
    """Return a done task of a row; its shop is named as the row is."""
    own = f"&shop={row}&batch_row={row}" if row else ""
    return told(type, meta=f"workflow=shop.toml{own}", **more)


B0, B1, C = ended("b", "0"), ended("b", "1"), ended("c")


def rows_of(tasks, type="e"):
    return sorted(meta_of(it)["batch_row"] for it in tasks if it.type == type)


@pytest.mark.parametrize("order", [*permutations([B0, B1, C])])
def test_what_is_of_no_batch_goes_with_each_task_of_one(flow, order):
    """Whichever comes first, and in whichever lists; nobody is told to be missing."""
    sent = [it for task in order for it in flow.after(task)]
    assert rows_of(sent) == ["0", "1"]
    assert [it.info for it in sent] == [meta_of(it)["shop"] for it in sent]
    assert flow.after(*order, **HOURS) == [], "each has come twice"


@pytest.mark.parametrize("order", [*permutations([B0, B1, C])])
def test_so_it_does_in_one_list(flow, order):
    """And over again."""
    assert rows_of(flow.after(*order)) == ["0", "1"]
    assert flow.after(*order, **HOURS) == []


def test_who_lacks_it_is_told(flow):
    """And who waits for the batch."""
    (alert,) = flow.after(B0, **HOURS)
    assert "e: waits for c of run-1; b arrived in time" in alert.msg
    (alert,) = flow.after(ended("c", id="run-2"), **HOURS)
    assert "e: waits for b of run-2; c arrived in time" in alert.msg


def test_one_of_a_row_that_is_done_anew_waits_for_the_other_anew(flow):
    """That went with this row; a row that is late still goes with the first."""
    anew = {"created": "2026-01-06T00:00:00Z"}
    assert rows_of(flow.after(B0, C)) == ["0"]
    assert flow.after(ended("b", "0", **anew)) == []
    assert rows_of(flow.after(ended("c", **anew))) == ["0"]
    assert rows_of(flow.after(B1)) == ["1"]
    assert rows_of(flow.after(ended("b", "1", **anew))) == ["1"]
    assert flow.after(ended("b", "1", created="2026-01-07T00:00:00Z")) == []


def test_all_done_anew_in_one_list_meet_as_they_were_done(flow):
    """No row takes what is another's, now or in the next list."""
    anew = [
        ended(it.type, meta_of(it).get("batch_row", ""), created="2026-01-06T00:00:00Z")
        for it in (B0, C)
    ]
    assert rows_of(flow.after(B0, C, *anew)) == ["0", "0"]
    assert rows_of(flow.after(B1)) == ["1"]
    assert rows_of(flow.after(ended("b", "1", created="2026-01-06T00:00:00Z"))) == ["1"]
    assert flow.after(ended("b", "1", created="2026-01-07T00:00:00Z")) == []


def test_batches_below_one_another_go_with_the_row_that_they_are_below(files):
    """What follows is told apart by the innermost."""
    files.write(BATCH.partition('[[phase]]\ntask = "e"')[0] + INNER)
    flow = Flow(files)
    inner = [ended("in", f"{row}.{n}") for row in "01" for n in "01"]
    early = flow.after(inner[0], B0, inner[2])
    assert rows_of(early, "f") == []
    assert rows_of(flow.after(C, B1), "f") == ["0.0", "1.0"]
    assert rows_of(flow.after(inner[3], inner[1]), "f") == ["0.1", "1.1"]
    assert rows_of(flow.after(*inner, B0, B1, C), "f") == []


SAME = """
[[phase]]
task = "a"
manual = true
[[phase]]
task = "b"
dependsOn = "a"
batch = { meta = { shop = ["de", "fr"] } }
[[phase]]
task = "c"
dependsOn = "b"
[[phase]]
task = "e"
dependsOn = ["b", "c"]
"""


def test_rows_that_wait_in_vain_cost_the_others_nothing(files, monkeypatch):
    """Each parent is read once for a list, and nobody is compared with all others."""
    files.write(SAME)
    flow, reads, read = Flow(files), [], there.values_of
    monkeypatch.setattr(there, "values_of", lambda it: reads.append(it) or read(it))
    flow.follow(*(ended("b", str(row)) for row in range(250)))
    reads.clear()
    sent = flow.after(*(ended("c", str(row)) for row in range(50, 250)))
    assert len(rows_of(sent)) == 200
    assert len(reads) <= 250 + 200


def test_what_fired_is_only_read_where_it_may_go_with_more():
    """Tasks below one batch meet one by one."""

    def uneven(text):
        phases = read_workflow("shop.toml", text)[0].phases
        return {it.name: Graph(phases).uneven(it) for it in phases}

    assert not any(uneven(SAME).values())
    assert uneven(BATCH) == {"a": False, "b": False, "c": False, "e": True}
