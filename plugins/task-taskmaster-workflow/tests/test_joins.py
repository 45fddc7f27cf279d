"""Rules of joins: a phase that follows several others."""

from itertools import permutations

import pytest
from flows import Flow, done, meta_of
from task_store import Claim
from task_taskmaster_workflow.sending import save_plan
from task_taskmaster_workflow.why import why

from task_core.api import UsageError, encode_task

SHOP = """
[[phase]]
task = "orders"
cron = "@daily"
[[phase]]
task = "items:all"
cron = "@daily"
[[phase]]
task = "report"
dependsOn = ["orders", "items:all"]
join = "{join}"
{more}
template = "{{meta:file}}?{{yyyy}}-{{mm}}-{{dd}}"
"""
HOUR = "workflow=shop.toml&cron=2026-01-04T05"
ORDERS = done("orders", id="o", meta=f"{HOUR}&file=f&shop=de")
ITEMS = done("items", job="all", id="i", meta=f"{HOUR}&shop=de&only=items")


@pytest.fixture
def flow(files):
    def make(join="time", more=""):
        files.write(SHOP.format(join=join, more=more))
        return Flow(files)

    return make


@pytest.mark.parametrize("order", [*permutations([ORDERS, ITEMS, ORDERS])])
def test_a_join_waits_for_all_and_fires_once(flow, order):
    """In whatever order they arrive, and when one of them comes twice.

    The first listed parent gives the id; all ids are in the meta.
    """
    (report,) = flow().after(*order)
    assert (report.info, report.id) == ("f?2026-01-04", "o")
    assert meta_of(report) == {
        "workflow": "shop.toml",
        "cron": "2026-01-04T05",
        "parents": "o,i",
    }


def test_a_join_survives_a_restart(flow):
    """Who has arrived stands in the store."""
    flow = flow()
    assert flow.after(ORDERS) == []
    assert len(flow.after(ITEMS)) == 1
    assert flow.after(ITEMS, ORDERS) == []


def test_parents_of_another_time_are_for_another_task(flow):
    """Each hour has its own."""
    other = done("items", job="all", meta="workflow=shop.toml&cron=2026-01-03T05")
    flow = flow()
    assert flow.after(ORDERS, other) == []
    assert len(flow.after(ITEMS)) == 1


def test_parents_of_one_run_share_its_id(flow):
    """`join = "run"`, as children of one parent do."""
    flow = flow("run")
    assert flow.after(ORDERS, ITEMS) == []
    both = [
        done(task.type, job=task.job, id="r", meta=task.meta)
        for task in (ORDERS, ITEMS)
    ]
    assert len(flow.after(*both)) == 1


def test_a_template_tells_which_belong_together(flow):
    """Such as a key of the meta; one without it is told, and joins nothing."""
    flow = flow("{meta:shop}")
    assert len(flow.after(ORDERS, ITEMS)) == 1
    (told,) = flow.after(done("orders", id="x", meta="workflow=shop.toml"))
    assert "has nothing to join by" in told.msg


def test_parents_that_are_done_anew_fire_anew(flow):
    """When all of them have come again: a backload of the same hour."""
    flow = flow()
    assert len(flow.after(ORDERS, ITEMS)) == 1
    again = [
        done(task.type, job=task.job, id=f"{task.id}2", meta=task.meta)
        for task in (ORDERS, ITEMS)
    ]
    assert flow.after(again[0]) == []
    assert len(flow.after(again[1])) == 1
    assert flow.after(ORDERS, ITEMS, *again) == []


def test_a_parent_that_failed_can_be_done_later(flow):
    """Only what `on` names arrives."""
    flow = flow()
    failed = done("orders", result="error", meta=HOUR)
    sent = flow.after(failed, ITEMS)
    assert [meta_of(it)["retry"] for it in sent] == ["failed"]
    assert len(flow.after(ORDERS)) == 1


def test_what_is_missing_is_told_once_its_time_is_over(flow):
    """By its name, once; a parent that comes late still counts."""
    flow = flow(more='join_within = "12h"')
    assert flow.after(ITEMS, hours=11) == []
    ((told, topic),) = flow.pass_time(hours=2)
    assert (topic, told.result) == ("alerts", "alert")
    assert "waits for orders of 2026-01-04T05; items:all arrived" in told.msg
    assert [it for it, _ in flow.pass_time(hours=2) if it.result] == []
    assert len([it for it in flow.after(ORDERS) if not it.result]) == 1


def test_a_join_of_a_workflow_that_is_away_is_told_when_it_is_back(flow):
    """Somebody moves a folder; what else is overdue is told meanwhile."""
    flow = flow(more='join_within = "12h"')
    flow.follow(ITEMS)
    content = (flow.files.folder / "shop.toml").read_text()
    flow.files.write('[[phase]]\ntask = "a"\ncron = "@daily"\n', "other.toml")
    (flow.files.folder / "shop.toml").unlink()
    assert [it for it, _ in flow.pass_time(hours=13) if it.result] == []
    flow.files.write(content)
    ((told, _),) = [it for it in flow.pass_time(hours=2) if it[0].result]
    assert "waits for orders of" in told.msg


def test_a_gate_looks_at_the_meta_of_all_parents(flow):
    """One brings what another lacks."""
    assert len(flow(more='require = ["file", "only"]').after(ORDERS, ITEMS)) == 1


def test_a_gate_that_stays_shut_is_counted(flow):
    """Nothing is sent."""
    flow = flow(more='require = ["nothing"]')
    assert flow.follow(ORDERS, ITEMS)["not ready"] == 1
    assert flow.pass_time(seconds=2) == []


def test_a_task_without_a_workflow_starts_nothing_and_is_counted(flow):
    """Others use the same topic."""
    flow = flow()
    counts = flow.follow(done("orders", meta=""), done("orders", meta="workflow=x"))
    assert counts == {"no workflow": 1, "unknown workflow": 1}


@pytest.mark.parametrize(
    ("on", "results"),
    [
        ("complete", {"complete"}),
        ("warn", {"warn"}),
        ("error", {"error", "alert"}),
        ("any", {"complete", "warn", "error", "alert"}),
    ],
)
def test_a_phase_follows_the_results_that_it_names(files, on, results):
    """An error counts when no retry is left."""
    files.write(
        '[[phase]]\ntask = "a"\ncron = "@daily"\n'
        f'[[phase]]\ntask = "b"\ndependsOn = "a"\non = "{on}"\n'
    )
    flow = Flow(files)
    for result in ("complete", "warn", "error", "alert"):
        sent = flow.after(done("a", result=result, id=result))
        assert ([it.type for it in sent if not it.result] == ["b"]) is (
            result in results
        )


def test_why_tells_who_is_missing(flow):
    """By the id of a task that has arrived; and what starts it at all, else."""
    flow = flow(more='join_within = "12h"')
    flow.follow(ORDERS)
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    report = workflow.phases[2]
    lines = why(flow.store, workflow, report, "o")
    assert lines[0] == "shop.toml report waits for items:all of 2026-01-04T05"
    assert "orders arrived, the first at 2026-01-05T00:00:00+00:00" in lines[1]
    assert "that is told as an alert" in lines[2]
    flow.store.queue([Claim("k", "orders", encode_task(done("orders", id="another")))])
    (plainly,) = why(flow.store, workflow, report, "another")
    assert "follows orders and items:all on complete; none" in plainly


@pytest.mark.parametrize("join", ["time", "run"])
def test_why_tells_when_a_phase_was_sent(flow, join):
    """After a join has fired, by the id of each parent."""
    flow = flow(join)
    items = done("items", job="all", id="o" if join == "run" else "i", meta=HOUR)
    assert len(flow.after(ORDERS, items)) == 1
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    for id_ in {"o", items.id}:
        (line,) = why(flow.store, workflow, workflow.phases[2], id_)
        assert line.startswith("shop.toml report was sent at 2026-01-05T00:00:")
        assert "2026-01-04" in line.partition(": ")[2]


def test_why_tells_that_a_gate_stayed_shut(flow):
    """All have arrived, and that is told: nothing of it was sent."""
    flow = flow(more='require = ["nothing"]')
    assert flow.after(ORDERS, ITEMS) == []
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    first, gate = why(flow.store, workflow, workflow.phases[2], "o")
    assert "had arrived at 2026-01-05T00:00:00+00:00, and nothing of it is" in first
    assert gate == "  their meta must have nothing"


def test_why_knows_the_tasks_of_backloads(flow):
    """They were sent by another program, and may be on their way."""
    flow = flow()
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    save_plan(flow.store, "plan", "{}", [done("orders", id="mine", meta=HOUR)], "me")
    (line,) = why(flow.store, workflow, workflow.phases[2], "mine")
    assert line.endswith("; none of this id has arrived")


def test_why_tells_when_a_task_runs_again(files):
    """How often it has, and how often it may."""
    files.write(
        '[[phase]]\ntask = "load"\nmanual = true\nretry = 2\nretry_delay = "1h"\n'
    )
    flow = Flow(files)
    flow.follow(done("load", result="error"))
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    (line,) = why(flow.store, workflow, workflow.phases[0], "run-1")
    assert line.startswith("shop.toml load is sent at 2026-01-05T01:")
    assert line.endswith(", retry 1 of 2")
    with pytest.raises(UsageError, match="of id 'run-2'; .* only started by hand"):
        why(flow.store, workflow, workflow.phases[0], "run-2")
