"""Rules of a batch that follows another task: its tasks share an id."""

import pytest
from flows import Flow, meta_of
from flows import done as told
from msgspec.structs import replace

from task_core.api import Task

BY_SHOP = 'batch = { meta = { shop = ["de", "fr"] } }'
BY_DAY = 'batch = { for = "-48h", by = "day" }'
FLOW = """
[[phase]]
task = "a"
manual = true
[[phase]]
task = "b"
dependsOn = "a"
{keys}
[[phase]]
task = "c"
dependsOn = "b"
[[phase]]
task = "d"
dependsOn = "c"
template = "{template}"
"""
A = told("a", meta="workflow=shop.toml&cron=2026-01-04T05")


@pytest.fixture
def flow(files):
    def make(keys=BY_SHOP, template="{meta:shop}"):
        files.write(FLOW.format(keys=keys, template=template))
        return Flow(files)

    return make


def ended(task: Task, result="complete"):
    return replace(task, result=result, ended="2026-01-05T00:00:09Z")


@pytest.mark.parametrize(
    ("keys", "template", "infos"),
    [
        (BY_SHOP, "{meta:shop}", ["de", "fr"]),
        (f'{BY_SHOP}\ntemplate = "{{meta:shop}}"', "{meta:shop}", ["de", "fr"]),
        (BY_DAY, "{mm}-{dd}", ["01-02", "01-03", "01-04"]),
    ],
)
def test_each_task_of_a_batch_has_its_descendants(flow, keys, template, infos):
    """Though all have one id, one date of making, and maybe one info; each once."""
    flow = flow(keys, template)
    b = flow.after(A)
    assert {it.id for it in b} == {A.id}
    c = flow.after(*map(ended, b), *map(ended, b))
    d = flow.after(*map(ended, c))
    assert sorted(it.info for it in d) == infos
    assert flow.after(*map(ended, [*b, *c])) == []


def test_a_batch_below_a_batch_tells_its_tasks_apart(files):
    """Those of each row of the upper one."""
    files.write(
        FLOW.format(keys=BY_SHOP, template="{meta:shop} {meta:part}").replace(
            'dependsOn = "b"\n',
            'dependsOn = "b"\nbatch = { meta = { part = ["1", "2"] } }\n',
        )
    )
    flow = Flow(files)
    b = flow.after(A)
    c = flow.after(*map(ended, b))
    rows = [meta_of(it)["batch_row"] for it in c]
    assert rows == ["0.0", "0.1", "1.0", "1.1"]
    d = flow.after(*map(ended, c))
    assert sorted(it.info for it in d) == ["de 1", "de 2", "fr 1", "fr 2"]
    assert [meta_of(it)["batch_row"] for it in d] == rows


def test_each_task_of_a_batch_has_its_retries(flow):
    """And goes to the topic of those that failed for good."""
    flow = flow(f"{BY_SHOP}\nretry = 1")
    again = flow.after(*(ended(it, "error") for it in flow.after(A)), minutes=1)
    assert sorted(meta_of(it)["shop"] for it in again) == ["de", "fr"]
    failed = flow.after(*(ended(it, "error") for it in again))
    assert [it.result for it in failed] == ["error", "error"]
    assert sorted(meta_of(it)["shop"] for it in failed) == ["de", "fr"]


def test_each_task_of_a_batch_has_its_deadline(flow):
    """One that is done ends no other's."""
    flow = flow(f'{BY_SHOP}\ndeadline = "10m"')
    first, _ = flow.after(A)
    sent = flow.after(ended(first), minutes=15)
    assert [(it.type, it.result) for it in sent] == [("c", ""), ("b", "alert")]


def test_each_task_of_a_batch_arrives_at_a_join(files):
    """By what tells them apart."""
    files.write(
        FLOW.format(keys=BY_SHOP, template="{meta:shop}")
        + '[[phase]]\ntask = "e"\ndependsOn = "b"\n'
        + '[[phase]]\ntask = "f"\ndependsOn = ["c", "e"]\njoin = "{meta:shop}"\n'
    )
    flow = Flow(files)
    both = flow.after(*map(ended, flow.after(A)))
    assert sorted(it.type for it in both) == ["c", "c", "e", "e"]
    sent = flow.after(*map(ended, both))
    assert sorted(it.type for it in sent) == ["d", "d", "f", "f"]


def test_what_is_no_batch_says_nothing_of_rows(flow):
    """Its meta is what it was."""
    flow = flow("")
    (b,) = flow.after(A)
    assert b.meta == "cron=2026-01-04T05&workflow=shop.toml"
