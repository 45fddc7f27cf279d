"""Phases with `files`: a topic tells of files, each version starts them once."""

import json
import sys

import attrs
import pytest
from flows import Flow, meta_of
from task_store import StoreError
from task_taskmaster_workflow.taskmaster import make_taskmaster
from task_testing import RecordingBus, run_taskmaster

from task_core.api import OptionError, Task, encode_task

PATH = "/data/2026/01/04/orders.csv"
FLOW = """
[[phase]]
task = "load:orders"
files = "/data/*/*/*/orders*.csv"
template = "{meta:file}?day={yyyy}-{mm}-{dd}"
"""


def stats(path=PATH, checksum="c1"):
    """Return what Go's workers tell of a file."""
    told = {"path": path, "size": 3, "linecnt": 2, "checksum": checksum}
    return json.dumps(told | {"created": "2026-01-05T01:00:00Z"}).encode()


@pytest.fixture
def flow(files):
    """Return a taskmaster that reads a topic of files."""
    files.write(FLOW)
    flow = Flow(files)
    flow.options = attrs.evolve(flow.options, file_topic="files")

    def tell(*bodies):
        """Let it read messages, and return what is sent then."""
        bus = RecordingBus(bodies)
        run_taskmaster(flow.make().read_files, clock=flow.clock, bus=bus)
        return [task for task, _ in flow.pass_time(seconds=2)]

    flow.tell = tell
    return flow


def test_a_file_that_go_told_of_starts_its_phase(flow):
    """With its date, and with its path in the meta; others start nothing."""
    (task,) = flow.tell(stats("/data/x.csv"), stats())
    assert (task.type, task.job) == ("load", "orders")
    assert task.info == f"{PATH}?day=2026-01-04"
    assert meta_of(task) == {
        "workflow": "shop.toml",
        "job": "orders",
        "cron": "2026-01-04T00",
        "file": PATH,
        "filename": "orders.csv",
    }


def test_a_version_starts_it_once_and_another_one_again(flow):
    """A message that comes twice makes no second task, and no deadline of one."""
    flow.files.write(FLOW + 'deadline = "1h"\n')
    assert len(flow.tell(stats(), stats())) == 1
    assert flow.tell(stats()) == []
    assert len(flow.tell(stats(checksum="c2"))) == 1
    assert flow.store.pending() == 2  # a deadline of each


def test_a_notification_of_gcs_and_a_task_of_files_tell_of_files(flow):
    """Whoever tells."""
    flow.files.write(FLOW.replace("/data/*", "gs://shop/*"))
    gcs = {"id": "1", "name": "2026/01/04/orders.csv", "bucket": "shop"}
    (task,) = flow.tell(json.dumps(gcs).encode())
    assert meta_of(task)["file"] == "gs://shop/2026/01/04/orders.csv"
    told = Task.new("files", "gs://shop/2026/01/05/orders.csv?size=3")
    (task,) = flow.tell(encode_task(told))
    assert meta_of(task)["file"] == "gs://shop/2026/01/05/orders.csv"


def test_a_file_without_the_date_that_is_asked_for_is_an_alert(flow):
    """And no task with `{yyyy}` in it."""
    (task,) = flow.tell(stats("/data/a/b/c/orders.csv"))
    assert task.result == "alert"
    assert "no date in its path" in task.msg


def test_a_pattern_that_is_wrong_harms_no_other_one(flow, caplog):
    """It is told with its phase."""
    flow.files.write(FLOW.replace("/data/*/*/*/orders*.csv", "/data/"), "bad.toml")
    assert len(flow.tell(stats())) == 1
    assert "bad.toml, line 4 (phase 1): files ends in a folder" in caplog.text


def test_what_is_started_so_is_followed(flow):
    """As any other task; the path goes down to who asks for it."""
    flow.files.write(
        FLOW + '[[phase]]\ntask = "report"\ndependsOn = "load:orders"\n'
        'template = "{meta:filename}"\n'
    )
    (task,) = flow.tell(stats())
    task.result = "complete"
    (child,) = flow.after(task)
    assert (child.type, child.info, child.id) == ("report", "orders.csv", task.id)


def test_a_start_without_the_topic_says_that_no_file_starts_them(flow, caplog):
    """It is not silent."""
    flow.options = attrs.evolve(flow.options, file_topic="")
    flow.pass_time(seconds=1)
    text = "shop.toml load:orders: no file starts it without --taskmaster-file-topic"
    assert text in caplog.text


def test_a_place_that_cannot_read_events_says_what_to_install(flow, monkeypatch):
    """The library that knows files is of another distribution."""
    monkeypatch.delitem(sys.modules, "task_taskmaster_workflow.filing", raising=False)
    monkeypatch.setitem(sys.modules, "task_taskmaster_files.events", None)
    with pytest.raises(OptionError, match=r"pip install 'task-taskmaster-workflow\["):
        make_taskmaster(flow.options)


def test_an_empty_name_of_a_store_is_none(flow):
    """It is not the default: a variable that is not set would choose it unseen."""
    with pytest.raises(StoreError, match="a store is kept: name a path"):
        make_taskmaster(attrs.evolve(flow.options, store=""))
