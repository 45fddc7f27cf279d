"""Rules of two phases of one name, as flowlord's files may have: each has its own."""

import pytest
from flows import Flow, meta_of, utc
from msgspec.structs import replace
from task_taskmaster_workflow.why import why

NOON = utc(2026, 1, 5, 12)
TWO = """
[[phase]]
task = "export"
cron = "0 5 * * *"
template = "morning"
{first}
[[phase]]
task = "export"
cron = "0 17 * * *"
template = "evening"
{second}
"""


@pytest.fixture
def flow(files):
    def make(first="", second=""):
        files.write(TWO.format(first=first, second=second))
        return Flow(files, NOON)

    return make


def ended(task, result="complete"):
    return replace(task, result=result, ended=task.created)


def test_their_tasks_say_of_which_they_are(flow):
    """Those of the first say nothing more than where there is one."""
    sent = [task for task, _ in flow().pass_time(days=1)]
    assert [it.info for it in sent] == ["evening", "morning"]
    assert [meta_of(it).get("phase_number") for it in sent] == ["2", None]


@pytest.mark.parametrize("overlap", ["wait", "skip"])
def test_the_second_one_does_not_overlap_itself(flow, overlap):
    """A task of it that is done lets the next one fire, day by day."""
    flow = flow(second=f'overlap = "{overlap}"')
    infos = []
    for _ in range(6):
        sent = [task for task, _ in flow.pass_time(hours=12)]
        infos += [it.info for it in sent]
        flow.follow(*map(ended, sent))
    assert infos == ["evening", "morning"] * 3


def test_the_second_one_has_its_retries(flow):
    """Not those of the first; what is run again is still its own."""
    flow = flow(second="retry = 2")
    sent = [task for task, _ in flow.pass_time(hours=6)]
    for number in ("1", "2", "failed"):
        sent = flow.after(*(ended(it, "error") for it in sent), minutes=1)
        assert [meta_of(it)["retry"] for it in sent] == [number]


def test_each_has_its_deadline(flow):
    """What is done in time is not told."""
    flow = flow('deadline = "1h"', 'deadline = "2h"')
    sent = [task for task, _ in flow.pass_time(hours=6)]
    assert flow.after(*map(ended, sent), hours=6) == []


def test_why_tells_of_the_one_that_is_named(flow):
    """Not of the other one's tasks."""
    flow = flow()
    ((task, _),) = flow.pass_time(hours=6)
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    first, second = (why(flow.store, workflow, it, task.id) for it in workflow.phases)
    assert "was sent at" in second[0]
    assert "fires next at" in first[0]


def test_a_number_that_the_file_has_no_more_means_the_first(flow, files):
    """Somebody has taken the second out while its task was at work."""
    flow = flow()
    ((task, _),) = flow.pass_time(hours=6)
    files.write('[[phase]]\ntask = "export"\nmanual = true\nretry = 1\n')
    (again,) = flow.after(ended(task, "error"), minutes=1)
    assert meta_of(again)["retry"] == "1"
