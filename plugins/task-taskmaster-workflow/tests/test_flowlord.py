"""Rules of flowlord's files: they are read as they are."""

from datetime import timedelta

import pytest
from task_rules.dates import By
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.phase import Batch

F1 = """
[[Phase]]
task = "task1"
rule = "cron=0 * * * *&offset=-4h&job=t2&retry_delay=10ms"
retry = 3
template = "?date={yyyy}-{mm}-{dd}T{hh}"

[[Phase]]
task = "task4"
DependsOn = "task1"
rule = ""
retry = 0
template = "{meta:file}"
"""


def phases(text):
    workflow, file = read_workflow("f1.toml", text)
    assert file.told(serious=True) == []
    return workflow.phases


def one(rule, **keys):
    lines = [f'{key} = "{value}"' for key, value in {"rule": rule, **keys}.items()]
    (phase,) = phases("\n".join(["[[phase]]", 'task = "task1"', *lines]))
    return phase


def test_headers_and_keys_count_in_any_case():
    """`[[Phase]]` and `DependsOn`, as the Go system reads them."""
    first, second = phases(F1)
    assert (first.name, first.retry) == ("task1:t2", 3)
    assert first.offset == timedelta(hours=-4)
    assert first.retry_delay == timedelta(milliseconds=10)
    assert (second.name, second.parents) == ("task4", ("task1",))


@pytest.mark.parametrize(
    ("rule", "batch"),
    [
        ("", None),
        (
            "meta=name:a,b,c|value:1,2,3",
            Batch(meta={"name": ("a", "b", "c"), "value": ("1", "2", "3")}),
        ),
        ("meta-file=test.json", Batch(meta_file="test.json")),
        (
            "for=-48h&meta=name:a,b",
            Batch(length=timedelta(hours=-48), meta={"name": ("a", "b")}),
        ),
        (
            "for=-48h&meta-file=test.json",
            Batch(length=timedelta(hours=-48), meta_file="test.json"),
        ),
        ("for=-48h&by=hour", Batch(length=timedelta(hours=-48), by=By.HOUR)),
        ("for=-48h&by=monthly", Batch(length=timedelta(hours=-48), by=By.MONTH)),
    ],
)
def test_its_table_of_new_jobs(rule, batch):
    """Batch forms, with a cron of six fields; `Test_NewJob` has five, too."""
    for cron in ("15 35 13 * * *", "35 13 * * *"):
        phase = one(f"cron={cron}&offset=-24h&{rule}")
        assert [it.text for it in phase.crons] == [cron]
        assert phase.offset == timedelta(hours=-24)
        assert phase.batch == batch


@pytest.mark.parametrize(
    "rule", ["cron=badcron", "cron=@daily&meta=name:a,b&meta-file=t.json", "%not=%%%"]
)
def test_its_table_of_jobs_that_are_refused(rule):
    """A bad cron, both kinds of meta, a rule that is no query."""
    text = f'[[phase]]\ntask = "bad"\nrule = "{rule}"\n'
    _, file = read_workflow("f.toml", text)
    assert file.told(serious=True)


@pytest.mark.parametrize(
    ("rule", "keys"),
    [
        ("", ()),
        ("require={meta:file}", ("file",)),
        ("require={meta:file}&require={meta:time}", ("file", "time")),
        ("require={meta:file},{meta:time}", ("file", "time")),
    ],
)
def test_its_gates_are_read_in_all_their_forms(rule, keys):
    """Repeated, or with commas."""
    assert one(rule, dependsOn="x").require == keys


def test_no_alert_needs_a_value():
    """As there."""
    assert one("cron=@daily&no_alert=true").no_alert
    assert not one("cron=@daily&no_alert=").no_alert


def test_files_and_plain_phases_are_read():
    """A pattern of files; one that only backloads use."""
    assert one("files=./folder/*.txt").files == "./folder/*.txt"
    assert not one("").crons


def test_a_job_may_stand_in_the_task_or_in_the_rule():
    """The task's own counts more."""
    (phase,) = phases('[[phase]]\ntask = "worker:a"\nrule = "cron=@daily&job=b"')
    assert phase.name == "worker:a"
