"""Flowlord's own tables of done tasks, with the corrections that we make to it."""

import pytest
from flows import Flow, done, meta_of

F1 = """
[[Phase]]
task = "task1"
rule = "cron=0 * * * *&offset=-4h&job=t2&retry_delay=10ms"
retry = 3
template = "?date={yyyy}-{mm}-{dd}T{hh}"

[[Phase]]
task = "task2"
dependsOn = "task1"
rule = ""
retry = 3
template = "{meta:file}?time={yyyy}-{mm}-{dd}"

[[Phase]]
task = "task3"
dependsOn = "task2"
rule = ""
template = "{meta:file}"

[[Phase]]
task = "task4"
DependsOn = "task2"
rule = ""
template = "{meta:file}"

[[Phase]]
task = "task1"
rule = "cron=0 * * * *&offset=-4h&job=t4"
retry = 3
template = "?date={yyyy}-{mm}-{dd}T{hh}"

[[Phase]]
task = "task5"
rule = "job=t5&retry_delay=10ms"
retry = 3
template = "?year={yyyy}"
DependsOn = "task1:t2"

[[Phase]]
task = "task6"
rule = "require={meta:file}"
template = "{meta:file}"
dependsOn = "task5"
"""
JOBS = """
[[phase]]
task = "worker"
rule = "cron=0 */5 * * *&job=parent_job"
retry = 3
template = "?date={yyyy}-{mm}-{dd}T{hh}"

[[phase]]
task = "worker"
rule = "job=child1"
dependsOn="worker:parent_job"
retry = 3
template = "?date={yyyy}-{mm}-{dd}T{hh}"

[[phase]]
task = "worker:child2"
dependsOn="worker:parent_job"
template = "?day={yyyy}-{mm}-{dd}"

[[phase]]
task = "worker:child3"
dependsOn="worker:child2"
template = "?day={yyyy}-{mm}-{dd}"
"""


@pytest.fixture
def flow(files):
    files.write(F1, "f1.toml")
    files.write(JOBS, "jobs.toml")
    return Flow(files)


def task1(result, meta="workflow=f1.toml", **fields):
    fields = {"info": "?date=2019-12-12", "id": "UUID_task1", **fields}
    return done("task1", result=result, meta=meta, **fields)


def short(task):
    meta = {key: value for key, value in meta_of(task).items() if key != "delayed"}
    return (task.type, task.job, task.info, task.id, meta)


WF = {"workflow": "f1.toml"}
CASES = {
    "task1 attempt 0": (
        task1("error", job="t2"),
        [("task1", "t2", "?date=2019-12-12", "UUID_task1", {**WF, "retry": "1"})],
    ),
    "task1 attempt 2": (
        task1("error", "retry=2&workflow=f1.toml", job="t2"),
        [("task1", "t2", "?date=2019-12-12", "UUID_task1", {**WF, "retry": "3"})],
    ),
    "task1 no retry, and no job": (
        task1("error", "retry=3&workflow=f1.toml"),
        [
            (
                *("task1", "", "?date=2019-12-12", "UUID_task1"),
                {**WF, "retry": "failed", "retried": "3"},
            )
        ],
    ),
    "task1 complete": (
        task1("complete"),
        [("task2", "", "?time=2019-12-12", "UUID_task1", WF)],
    ),
    "task1:t2 complete, its job in the meta": (
        task1("complete", "workflow=f1.toml&job=t2"),
        [
            ("task2", "", "?time=2019-12-12", "UUID_task1", WF),
            ("task5", "t5", "?year=2019", "UUID_task1", {**WF, "job": "t5"}),
        ],
    ),
    "job in phase": (
        done("worker", job="child2", id="UUID2", meta="workflow=jobs.toml"),
        [
            (
                *("worker", "child3", "?day={yyyy}-{mm}-{dd}", "UUID2"),
                {"workflow": "jobs.toml", "job": "child3"},
            )
        ],
    ),
    "task1 unknown result": (task1(""), []),
    "task2 complete": (
        done("task2", id="UUID_task1", meta="workflow=f1.toml&file=metafile.txt"),
        [
            ("task3", "", "metafile.txt", "UUID_task1", WF),
            ("task4", "", "metafile.txt", "UUID_task1", WF),
        ],
    ),
    "task6 requires file": (
        done("task5", id="ID", meta="workflow=f1.toml&file=file.txt&job=t5"),
        [("task6", "", "file.txt", "ID", WF)],
    ),
    "task6 requires not ready": (done("task5", meta="workflow=f1.toml"), []),
    "cron timestamp": (
        done("task1", id="x", meta="workflow=f1.toml&cron=2020-01-01T08"),
        [
            (
                *("task2", "", "?time=2020-01-01", "x"),
                {**WF, "cron": "2020-01-01T08"},
            )
        ],
    ),
    "no meta job -> children": (
        done(
            "worker",
            job="parent_job",
            id="P",
            meta="workflow=jobs.toml&cron=2020-01-01T08",
        ),
        [
            (
                *("worker", job, info, "P"),
                {"workflow": "jobs.toml", "cron": "2020-01-01T08", "job": job},
            )
            for job, info in (
                ("child1", "?date=2020-01-01T08"),
                ("child2", "?day=2020-01-01"),
            )
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_done_tasks_come_to_what_flowlord_makes_of_them(flow, name):
    """Its table of twelve; meta is compared as keys and values, which we encode."""
    task, expected = CASES[name]
    assert sorted(map(short, flow.after(task)), key=str) == sorted(expected, key=str)


def test_a_done_task_that_comes_twice_has_its_children_once(flow):
    """Defect 8: flowlord makes them twice."""
    task = task1("complete")
    assert len(flow.after(task, task)) == 1
    assert flow.after(task) == []


def test_a_task_without_its_job_is_retried(flow):
    """Defect 9: flowlord finds no phase, so no retry and no alert."""
    (again,) = flow.after(task1("error"))
    assert (again.job, meta_of(again)["retry"]) == ("t2", "1")


def test_an_alert_is_a_result_like_others(flow):
    """Defect 5: flowlord logs it as unknown; nothing follows, nothing is retried."""
    assert flow.follow(task1("alert")) == {"alert": 1}
    assert flow.follow(task1("warn"))["warn"] == 1
    assert flow.pass_time(seconds=2) == []


def test_of_two_files_with_one_phase_the_task_names_its_own(files):
    """Flowlord takes the retries of the first file by name."""
    for name, retry in (("a.toml", 0), ("b.toml", 2)):
        files.write(f'[[phase]]\ntask = "t"\ncron = "@daily"\nretry = {retry}\n', name)
    flow = Flow(files)
    task = done("t", result="error", meta="workflow=b.toml")
    sent = flow.after(task, seconds=4)
    assert [meta_of(it)["retry"] for it in sent] == ["1"]


def test_meta_goes_down_to_whoever_asks_for_it(files):
    """Defect 7: in flowlord a grandchild gets an empty value, silently."""
    files.write(
        """
[[phase]]
task = "a"
cron = "@daily"
[[phase]]
task = "b"
dependsOn = "a"
[[phase]]
task = "c"
dependsOn = "b"
keep = ["kept"]
template = "{meta:file}"
"""
    )
    flow = Flow(files)
    meta = "workflow=shop.toml&file=s3%3A%2F%2Fx%3Fa%26b&kept=k&other=o"
    (child,) = flow.after(done("a", meta=meta))
    assert meta_of(child) == {
        "workflow": "shop.toml",
        "file": "s3://x?a&b",
        "kept": "k",
    }
    grand = done("b", meta=child.meta, id=child.id, created=child.created)
    (grandchild,) = flow.after(grand)
    assert grandchild.info == "s3://x?a&b"


def test_a_batch_that_goes_wrong_harms_no_sibling(files):
    """Defect 6: in flowlord it kills all siblings that sort after it."""
    files.write(
        """
[[phase]]
task = "a"
cron = "@daily"
[[phase]]
task = "b"
dependsOn = "a"
rule = "meta-file=/no/such/file"
[[phase]]
task = "c"
dependsOn = "a"
rule = "meta=shop:de,fr"
template = "{meta:shop}"
[[phase]]
task = "d"
dependsOn = "a"
"""
    )
    sent = Flow(files).after(done("a", meta="workflow=shop.toml&shop=x&shop=y"))
    assert sorted((it.type, it.info, it.result) for it in sent) == [
        ("b", "", "alert"),
        ("c", "de", ""),
        ("c", "fr", ""),
        ("d", "", ""),
    ]
    told = next(it.msg for it in sent if it.result)
    assert told == "shop.toml b: cannot read /no/such/file: No such file or directory"
