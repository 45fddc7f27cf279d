"""Rules of backloads: flowlord's table with our corrections; plans, and sending."""

import json
import signal
import subprocess
from datetime import UTC, datetime

import pytest
from attrs import evolve
from flows import meta_of
from task_store import InUseError, open_store
from task_taskmaster_workflow.backload import make_backload
from task_taskmaster_workflow.backload_request import Request, read_request
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.sending import progress_of, save_plan, send_plan
from task_testing import RecordingBus

from task_core.api import SendError, Task, UsageError

NOW = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
F3 = """
[[phase]]
task = "task1"
rule = "cron=0 0 * * *"
retry = 3
template = "?date={yyyy}-{mm}-{dd}"

[[phase]]
task = "task2"
dependsOn= "task1"
template = "{meta:file}?time={yyyy}-{mm}-{dd}"

[[phase]]
task = "batch-president"
rule = "meta-file=PRESIDENTS"
template = "?president={meta:name}&start={meta:start}&end={meta:end}"

[[phase]]
task = "b-meta"
rule = "meta=key:a,b|val:1,2"
template = "?key={meta:key}&val={meta:val}"
"""
PRESIDENTS = [
    {"name": "george washington", "start": 1789, "end": 1797},
    {"name": "john adams", "start": 1797, "end": 1801},
    {"name": "thomas jefferson", "start": 1801, "end": 1809},
    {"name": "james madison", "start": 1809, "end": 1817},
]
PRESIDENT = "?president={meta:name}&start={meta:start}&end={meta:end}"


@pytest.fixture
def place(tmp_path):
    lines = "\n\n".join(json.dumps(row) for row in PRESIDENTS)
    (tmp_path / "presidents.json").write_text(lines)
    kv = '{"key": "fruit","val":"apple"}\n{"key": "animal","val":"dog"}'
    (tmp_path / "kv.json").write_text(kv)
    (tmp_path / "empty.json").write_text("\n")
    (tmp_path / "invalid.json").write_text('{"invalid":}')
    return tmp_path


@pytest.fixture
def ask(place):
    """Return what asks as flowlord's `POST /backload` does."""
    text = F3.replace("PRESIDENTS", str(place / "presidents.json"))
    workflow, _ = read_workflow("f3.toml", text)

    def ask(values):
        for key in ("meta-file",):
            if key in values:
                values = {**values, key: str(place / values[key])}
        request, _ = read_request(values)
        return make_backload(request, [workflow], NOW).tasks()

    return ask


WF = {"workflow": "f3.toml"}
CASES = {
    "now": (
        {"task": "sql", "job": "load", "template": "./file.txt?ts={YYYY}-{MM}-{DD}"},
        [("./file.txt?ts=2026-01-05", {"cron": "2026-01-05T06", "job": "load"})],
        1,
    ),
    "from_cache": (
        {"task": "task1", "at": "2022-06-12"},
        [("?date=2022-06-12", {**WF, "cron": "2022-06-12T00"})],
        1,
    ),
    "hourly": (
        {
            "task": "hourly",
            "template": "?day={YYYY}-{MM}-{DD}T{HH}",
            "by": "hour",
            "from": "2020-01-01T00",
            "to": "2020-01-02T23",
        },
        [
            ("?day=2020-01-01T00", {"cron": "2020-01-01T00"}),
            ("?day=2020-01-02T23", {"cron": "2020-01-02T23"}),
        ],
        48,
    ),
    "daily": (
        {
            "task": "daily",
            "template": "?date={YYYY}-{MM}-{DD}",
            "by": "day",
            "from": "2020-01-01",
            "to": "2020-02-01",
        },
        [
            ("?date=2020-01-01", {"cron": "2020-01-01T00"}),
            ("?date=2020-02-01", {"cron": "2020-02-01T00"}),
        ],
        32,
    ),
    "monthly": (
        {
            "task": "month",
            "template": "?table=exp.tbl_{YYYY}_{MM}",
            "by": "month",
            "from": "2020-01-01",
            "to": "2020-12-12",
        },
        [
            ("?table=exp.tbl_2020_01", {"cron": "2020-01-01T00"}),
            ("?table=exp.tbl_2020_12", {"cron": "2020-12-01T00"}),
        ],
        12,
    ),
    "weekly": (
        {
            "task": "week",
            "template": "?date={YYYY}-{MM}-{DD}",
            "by": "week",
            "from": "2020-01-01",
            "to": "2020-02-01",
        },
        [
            ("?date=2020-01-01", {"cron": "2020-01-01T00"}),
            ("?date=2020-01-29", {"cron": "2020-01-29T00"}),
        ],
        5,
    ),
    "meta_template": (
        {
            "task": "meta",
            "template": "{meta:file}?date={YYYY}-{mm}-{dd}&value={meta:value}",
            "meta": {"file": ["s3://task-bucket/data/f.txt"], "value": ["apple"]},
            "at": "2020-02-20",
        },
        [
            (
                "s3://task-bucket/data/f.txt?date=2020-02-20&value=apple",
                {
                    "cron": "2020-02-20T00",
                    "file": "s3://task-bucket/data/f.txt",
                    "value": "apple",
                },
            )
        ],
        1,
    ),
    "to only": (
        {"task": "task1", "to": "2022-12-01"},
        [("?date=2022-12-01", {**WF, "cron": "2022-12-01T00"})],
        1,
    ),
    "from only": (
        {"task": "task1", "from": "2022-12-01"},
        [("?date=2022-12-01", {**WF, "cron": "2022-12-01T00"})],
        1,
    ),
    "backwards": (
        {
            "task": "month",
            "template": "?table=exp.tbl_{YYYY}_{MM}",
            "by": "month",
            "from": "2021-01-01",
            "to": "2020-10-01",
        },
        [
            ("?table=exp.tbl_2021_01", {"cron": "2021-01-01T00"}),
            ("?table=exp.tbl_2020_10", {"cron": "2020-10-01T00"}),
        ],
        4,
    ),
    "meta-file": (
        {"task": "mfile", "template": PRESIDENT, "meta-file": "presidents.json"},
        [
            (
                "?president=george washington&start=1789&end=1797",
                {
                    "cron": "2026-01-05T06",
                    "name": "george washington",
                    "start": "1789",
                    "end": "1797",
                },
            ),
            (
                "?president=james madison&start=1809&end=1817",
                {
                    "cron": "2026-01-05T06",
                    "name": "james madison",
                    "start": "1809",
                    "end": "1817",
                },
            ),
        ],
        4,
    ),
    "meta-default": (
        {"task": "batch-president"},
        [
            (
                "?president=george washington&start=1789&end=1797",
                {
                    **WF,
                    "cron": "2026-01-05T06",
                    "name": "george washington",
                    "start": "1789",
                    "end": "1797",
                },
            ),
            (
                "?president=james madison&start=1809&end=1817",
                {
                    **WF,
                    "cron": "2026-01-05T06",
                    "name": "james madison",
                    "start": "1809",
                    "end": "1817",
                },
            ),
        ],
        4,
    ),
    "override-file": (
        {"task": "b-meta", "meta-file": "kv.json"},
        [
            (
                "?key=fruit&val=apple",
                {**WF, "cron": "2026-01-05T06", "key": "fruit", "val": "apple"},
            ),
            (
                "?key=animal&val=dog",
                {**WF, "cron": "2026-01-05T06", "key": "animal", "val": "dog"},
            ),
        ],
        2,
    ),
    "override-meta": (
        {
            "Task": "batch-president",
            "Meta": {
                "name": ["bob", "albert"],
                "start": ["1111", "1120"],
                "end": ["1120", "1130"],
            },
        },
        [
            (
                "?president=bob&start=1111&end=1120",
                {
                    **WF,
                    "cron": "2026-01-05T06",
                    "name": "bob",
                    "start": "1111",
                    "end": "1120",
                },
            ),
            (
                "?president=albert&start=1120&end=1130",
                {
                    **WF,
                    "cron": "2026-01-05T06",
                    "name": "albert",
                    "start": "1120",
                    "end": "1130",
                },
            ),
        ],
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_request_comes_to_what_flowlord_makes_of_it(ask, name):
    """Its table: the first and the last task, and how many there are."""
    values, ends, count = CASES[name]
    tasks = ask(values)
    assert len(tasks) == count
    found = [tasks[0], tasks[-1]] if count > 1 else tasks
    assert [(it.info, meta_of(it)) for it in found] == ends


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, "task is missing: it is type or type:job"),
        ({"job": "daily", "template": "x"}, "task is missing: it is type or type:job"),
        ({"task": "unknown"}, "no template found for unknown"),
        ({"task": "task1", "at": "2022-120-01"}, "at is no date like 2026-01-31"),
        ({"task": "task1", "from": "x", "to": "2026-01-01"}, "from is no date like"),
        ({"task": "task1", "from": "x", "to": "y", "execute": True}, "is no date like"),
        (
            {"task": "task1", "from": "2026-01-01", "to": "2026-01-02", "by": "minute"},
            "by is one of hour, day, week, month",
        ),
        ({"task": "task1", "at": "2026-01-01", "by": "minute"}, "by is one of hour"),
        ({"task": "task1", "templat": "x"}, "unknown key 'templat': did you mean 'tem"),
        ({"task": "task1", "meta": {"a": ["1"], "b": "v"}}, "meta takes texts, or lis"),
        ({"task": "task2"}, "template asks for {meta:file}: give it in meta"),
        ({"task": "b-meta", "meta": {"key": ["a"], "val": []}}, "key has 1, val has 0"),
        ({"task": "b-meta", "meta": {"a": "b"}, "meta-file": "kv.json"}, "cannot both"),
        ({"task": "b-meta", "meta-file": "none.json"}, "cannot read"),
        ({"task": "b-meta", "meta-file": "invalid.json"}, "line 1 is no JSON"),
        ({"task": "a:b:c", "template": "x"}, "a task is type or type:job"),
        ({"task": "zzz"}, "for zzz: no file of phases has it, so give a template"),
        (
            {"task": "t", "template": "x", "from": "2006-01-01", "to": "2026-01-01"}
            | {"by": "hour"},
            "175321 tasks, but at most 10000 are planned: ask for fewer, or for more",
        ),
    ],
)
def test_what_is_wrong_is_refused(ask, values, problem):
    """Defect 13 and 14: flowlord runs for now, for days, for types with a colon."""
    with pytest.raises(UsageError) as error:
        ask(values)
    assert problem in str(error.value)


def test_a_job_may_stand_in_the_task(ask):
    """And the task goes to the topic of its type."""
    (task,) = ask({"task": "sql:load", "template": "x", "at": "2026-01-01"})
    assert (task.type, task.job) == ("sql", "load")


@pytest.mark.parametrize(
    ("more", "advice"),
    [
        ({"most": 0}, "or for more with --max-tasks"),
        ({"template": "{meta:file}"}, "give --meta file="),
    ],
)
def test_a_command_is_told_its_own_flags(more, advice):
    """JSON has keys instead, and none for as many tasks as one likes."""
    request = Request(**{"task": "t", "template": "x", "at": "2026-01-01", **more})
    with pytest.raises(UsageError, match=advice):
        make_backload(request, [], NOW)
    with pytest.raises(UsageError) as error:
        make_backload(evolve(request, flags=False), [], NOW)
    assert advice not in str(error.value)


def test_an_empty_file_of_meta_has_no_tasks(ask):
    """Also for a range of dates: flowlord leaves tokens in braces."""
    values = {"task": "b-meta", "meta-file": "empty.json"}
    assert ask(values) == []
    assert ask({**values, "from": "2026-01-01", "to": "2026-01-05"}) == []


def test_hours_of_the_day_may_be_left_out():
    """As in the old backloader: off counts more than on; each so many hours."""

    def hours(**more):
        request = Request(
            task="t", template="{hh}", start="2026-01-01", end="2026-01-01T23", **more
        )
        return [it.info for it in make_backload(request, [], NOW).tasks()]

    assert hours(on_hours=(1, 2, 3), off_hours=(2,)) == ["01", "03"]
    assert hours(every=6) == ["00", "06", "12", "18"]
    assert hours(every=12, newest=True) == ["23", "11"]
    with pytest.raises(UsageError, match="an hour of the day is 0 to 23, not 25"):
        hours(off_hours=(25,))


def test_hours_and_steps_that_are_none_are_refused_for_one_date_too():
    """They were passed over, as long as there was no range."""
    for more, problem in (
        ({"on_hours": (25,)}, "an hour of the day is 0 to 23, not 25"),
        ({"every": 0}, "every takes a number from 1 on, not 0"),
    ):
        for when in ({"at": "2026-01-01"}, {"start": "2026-01-01"}, {}):
            with pytest.raises(UsageError, match=problem):
                make_backload(Request(task="t", template="x", **when, **more), [], NOW)


def test_a_phase_may_be_named_with_its_file():
    """As is advised where several files have one of that name."""
    flows = [read_workflow(name, F3)[0] for name in ("a.toml", "b.toml")]
    with pytest.raises(UsageError, match=r"name one of a.toml/task1, b.toml/task1"):
        make_backload(Request(task="task1"), flows, NOW)
    (task,) = make_backload(Request(task="b.toml/task1"), flows, NOW).tasks()
    assert meta_of(task)["workflow"] == "b.toml"


def test_what_may_be_meant_otherwise_is_told():
    """A name in braces that is no token; a range of hours that ends with a day."""

    def notes(template, **more):
        request = Request(task="t", template=template, **more)
        return make_backload(request, [], NOW).notes

    week = {"start": "2026-01-01", "end": "2026-01-07"}
    told = notes("{yyy}{date}{day-slug}{YYYY}", **week, by="day")
    text = "template has {{{}}}, which stays as it is{}"
    assert told == [
        text.format("yyy", ": did you mean 'yyyy'?"),
        text.format("date", ""),
        text.format("day-slug", ": did you mean 'day_slug'?"),
    ]
    last = "{} 2026-01-07 is hour 00 of that day: write 2026-01-07T23 for all of it"
    assert notes("x", **week, by="hour") == [last.format("to")]
    back = {"start": "2026-01-07", "end": "2026-01-01"}
    assert notes("x", **back, every=2) == [last.format("from")]
    assert notes("x", start="2026-01-01", end="2026-01-07T23", by="hour") == []


@pytest.fixture
def store(tmp_path):
    store = open_store(str(tmp_path / "plans.db"))
    yield store
    store.close()


def plan_of(store, count, plan="p1"):
    tasks = [Task.new("t", str(number)) for number in range(count)]
    save_plan(store, plan, '{"task": "t"}', tasks, "me")
    return tasks


def test_a_plan_is_sent_as_it_was_made(store):
    """In its order, the same to the byte; a second time sends nothing."""
    tasks = plan_of(store, 250)
    bus = RecordingBus()
    done = send_plan(store, bus, "p1")
    assert (done.sent, done.total, done.state) == (250, 250, "sent")
    assert [json.loads(it.body)["id"] for it in bus.sent] == [it.id for it in tasks]
    send_plan(store, bus, "p1")
    assert len(bus.sent) == 250


def test_a_send_that_ends_early_goes_on_where_it_was(store):
    """Only what was in flight may come twice."""
    plan_of(store, 250)

    bus = RecordingBus()

    def tell(progress):
        if progress.sent == 200:
            raise SendError("gone")

    with pytest.raises(SendError):
        send_plan(store, bus, "p1", tell=tell)
    assert progress_of(store, "p1").sent == 200
    assert progress_of(store, "p1").state == "paused"
    done = send_plan(store, bus, "p1")
    assert (done.sent, len(bus.sent)) == (250, 250)


def test_a_plan_that_is_sent_elsewhere_stays_as_it_is(store, tmp_path):
    """Who is refused does not pause it."""
    plan_of(store, 150)
    other = open_store(str(tmp_path / "plans.db"))

    def tell(progress):
        if progress.sent == 100:
            with pytest.raises(InUseError):
                send_plan(other, RecordingBus(), "p1")
            assert progress_of(store, "p1").state == "running"

    assert send_plan(store, RecordingBus(), "p1", tell=tell).state == "sent"
    other.close()


def test_a_plan_can_be_cancelled_before_its_next_send(store):
    """By another process; and paused, to go on later."""
    plan_of(store, 300)

    def stop(state, at):
        def tell(progress):
            if progress.sent == at:
                store.plans.change("p1", state)

        return tell

    bus = RecordingBus()
    assert send_plan(store, bus, "p1", tell=stop("paused", 100)).state == "paused"
    assert send_plan(store, bus, "p1", tell=stop("cancelled", 200)).sent == 200
    assert send_plan(store, bus, "p1").state == "cancelled"
    assert len(bus.sent) == 200


def test_a_rate_is_kept(store):
    """By small parts, with waits between them."""
    plan_of(store, 10)
    waits = []
    send_plan(store, RecordingBus(), "p1", rate=20, wait=waits.append)
    assert waits == [0.1] * 4


@pytest.fixture
def task(tmp_path):
    def run(*words):
        return subprocess.run(
            ["task", "backload", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_the_command_prints_a_plan_and_sends_nothing(task, tmp_path):
    """Until --send; then exactly that, also when the file has changed since."""
    flow = tmp_path / "shop.toml"
    phase = '[[phase]]\ntask = "load:a"\ncron = "@daily"\ntemplate = "{yyyy}{mm}{dd}"\n'
    flow.write_text(phase)
    words = ("--path", "shop.toml", "--from", "2026-01-01", "--to", "2026-01-07")
    dry = task("load:a", *words)
    assert (dry.returncode, dry.stdout.count("planned")) == (0, 7), dry.stderr
    advice = dry.stderr.splitlines()[-1]
    assert advice.startswith("7 tasks, nothing is sent; with --bus as for the taskm")
    assert not (tmp_path / "load").exists()
    planned = task("load:a", *words, "--bus", "file", "--rate", "9/s").stderr
    assert planned.rstrip().endswith(" --bus file --rate 9/s --send")
    flow.write_text(phase.replace("{yyyy}", "x"))
    sent = task(*advice.partition("task backload ")[2].split(), "--bus", "file")
    assert (sent.returncode, sent.stderr.strip()[-11:]) == (0, "sent 7 of 7")
    lines = [json.loads(it) for it in (tmp_path / "load").read_text().splitlines()]
    assert [it["info"] for it in lines] == [f"2026010{day}" for day in range(1, 8)]
    assert "7/7" in task("--list", "--path", "shop.toml").stdout


def test_the_command_says_how_to_go_on_to_the_same_bus(task):
    """As typed it must not send the rest to stdout, and count it as sent."""
    words = ("t", "--template", "x", "--at", "2026-01-01", "--rate", "9/s")
    flags = ("--store", "my store.db", "--bus", "file")
    sent = task(*words, *flags, "--send")
    go_on = sent.stderr.splitlines()[-2].partition("go on with: task backload ")[2]
    assert go_on.endswith("--store 'my store.db' --bus file --rate 9/s --send")
    planned = task(*words, *flags)
    plan = planned.stderr.partition("--plan ")[2].split()[0]
    assert task("--plan", plan, *flags[:2], "--cancel").returncode == 0
    again = task("--plan", plan, *flags, "--send")
    assert again.returncode == 2
    assert f"plan {plan} is cancelled, and stays so: make a new one" in again.stderr


def test_the_command_refuses_what_it_cannot_know(task):
    """`--only` without a history; a plan that is not there; nothing at all."""
    free = ("t", "--template", "x")
    assert "needs a history" in task(*free, "--only", "missing").stderr
    assert "there is no plan 'x'" in task("--plan", "x").stderr
    assert "name a TASK" in task().stderr
    assert "give --path with its file, or --template" in task("t").stderr
    for words in (("--rate", "fast"), ("--meta", "a"), ("--on-hours", "x")):
        done = task(*free, *words, *(("--send",) if words[0] == "--rate" else ()))
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--plan x --send --cancel", "give one of --send and --cancel, not both"),
        ("--plan x --cancel --pause", "give one of --cancel and --pause, not both"),
        ("t --template x --send --cancel", "--cancel is for a plan that is there"),
        ("t --template x --pause", "--pause is for a plan that is there: name it with"),
        ("--list --send", "--list shows all plans: leave out --send"),
        ("--list t --plan x", "--list shows all plans: leave out TASK and --plan"),
        ("--plan x t", "a plan has its task: leave out TASK, or --plan"),
        ("--plan x --at 2026-01-01", "was made before: leave out --at"),
        ("--plan x --only failed", "--only does not go with --plan: to send some aga"),
        ("--plan x --send --only all", "a plan sends each of its tasks once"),
        (
            "t --template x --at 2026-01-01 --from 2026-01-01 --every 2",
            "--at is one date: leave out --from and --every",
        ),
    ],
)
def test_the_command_refuses_words_that_contradict_each_other(
    task, tmp_path, words, problem
):
    """In one line, before anything is done."""
    done = task(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert not any(tmp_path.iterdir())


def test_the_command_looks_only_into_a_store_that_is_there(task, tmp_path):
    """A look makes none, and says where it looked."""
    for words in (("--list",), ("--plan", "x"), ("--plan", "x", "--send")):
        done = task(*words, "--store", "none.db")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"there is no store at {tmp_path / 'none.db'}: name the " in done.stderr
    assert not any(tmp_path.iterdir())
    assert task("t", "--template", "x", "--store", "my.db").returncode == 0
    done = task("--plan", "x", "--store", "my.db")
    where = f"there is no plan 'x' in store {tmp_path / 'my.db'}: --list shows"
    assert (done.returncode, where in done.stderr) == (2, True), done.stderr
    assert "--path, or the store with --store" in done.stderr


def test_the_command_says_how_to_go_on_with_as_many_in_flight(task):
    """As typed it must not send all at once, nor wait for another topic."""
    words = ("t", "--template", "x", "--bus", "file", "--max-in-flight", "2")
    assert task(*words).stderr.rstrip().endswith("file --max-in-flight 2 --send")
    planned = task(*words, "--done-topic", "ready").stderr.rstrip()
    assert planned.endswith(" --bus file --max-in-flight 2 --done-topic ready --send")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_send_that_is_ended_says_how_far_it_came(task, tmp_path, number):
    """And how to go on; nobody sends the plan, so it is not `running`."""
    words = ("t", "--template", "{dd}", "--from", "2026-01-01", "--to", "2026-01-09")
    flags = ("--bus", "file", "--rate", "1/m", "--send")
    sending = subprocess.Popen(
        ["task", "backload", *words, *flags],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with sending:
        while "ended early" not in sending.stderr.readline():
            pass
        while not (tmp_path / "t").exists() or "1/9" not in task("--list").stdout:
            pass
        sending.send_signal(number)
        last = sending.stderr.read().splitlines()
    code = 130 if number == signal.SIGINT else -signal.SIGTERM
    assert sending.returncode == code, last
    told = next(line for line in last if line)
    assert " is paused: sent 1 of 9; go on with: task backload --plan " in told
    assert told.endswith(" --bus file --rate 1/m --send")
    assert "  paused " in task("--list").stdout
    plan = told.split()[1]
    done = task("--plan", plan, "--bus", "file", "--send")
    assert done.stderr == f"plan {plan} sent 9 of 9\n"
