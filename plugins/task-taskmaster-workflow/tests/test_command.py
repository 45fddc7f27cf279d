"""Rules of `task workflow`: what it prints, and with which exit code it ends."""

import subprocess
import sys

import pytest
from flows import Flow

SHOP = """
[[phase]]
task = "export"
cron = "30 5 * * *"
template = "{yyyy}-{mm}-{dd}"

[[phase]]
task = "report"
dependsOn = "export"
"""


@pytest.fixture
def task(tmp_path):
    """Return what runs `task` in a folder of its own."""

    def run(*words):
        return subprocess.run(
            ["task", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_check_prints_the_next_three_firings(task, files):
    """Of each phase, and what the others follow; exit code 0 when all is well."""
    done = task("workflow", "check", str(files.write(SHOP)))
    assert (done.returncode, done.stderr) == (0, "")
    first, export, report = done.stdout.splitlines()
    assert first == "shop.toml: 2 phases"
    assert export.count(" 05:30:00+00:00") == 3
    assert report.split() == ["report", "after", "export"]


def test_check_tells_each_mistake_and_ends_with_2(task, files):
    """Of all files of a folder; the good ones are told on stdout."""
    files.write(SHOP)
    files.write('[[phase]]\ntask = "a"\ncorn = "@daily"\n', "sub/b.toml")
    done = task("workflow", "check", str(files.folder))
    assert done.returncode == 2
    assert "shop.toml: 2 phases" in done.stdout
    place = "sub/b.toml, line 3 (phase 1): "
    assert f"{place}unknown key 'corn': did you mean 'cron'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_tells_identical_tasks(task, files):
    """Below their phase; flowlord's files may have such, so it is no mistake."""
    path = str(files.write(SHOP + 'batch.meta.shop = ["a", "b"]\n'))
    done = task("workflow", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 tasks of its batch, identical: nothing asks for shop" in done.stdout


def test_check_tells_that_no_alert_does_nothing(task, files):
    """Flowlord's files may have it: nothing that fails is told as an alert."""
    path = str(files.write(SHOP + "no_alert = true\n"))
    done = task("workflow", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].strip().startswith("no_alert does nothing: ")
    assert done.stdout.count("no_alert") == 1


def test_a_place_without_files_is_told(task, files):
    """In one line."""
    for place in (files.folder, files.folder / "no.toml"):
        done = task("workflow", "check", str(place))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("format_", ["tree", "mermaid", "dot", "svg", "json"])
def test_show_draws_in_each_format(task, files, format_):
    """With the infos of a date."""
    path = str(files.write(SHOP))
    done = task("workflow", "show", path, "--at", "2026-01-05", "--format", format_)
    assert done.returncode == 0, done.stderr
    assert "2026-01-05" in done.stdout
    assert "report" in done.stdout


def test_a_bad_date_is_told_and_never_now(task, files):
    """With what a date looks like."""
    done = task("workflow", "show", str(files.write(SHOP)), "--at", "2026-120-01")
    assert done.returncode == 2
    assert "--at is no date like 2026-01-31" in done.stderr


@pytest.mark.parametrize("command", ["backload", "workflow"])
def test_help_loads_no_library_of_databases(command):
    """It takes half a second."""
    words = [sys.executable, "-X", "importtime", "-m", "task_core", command, "--help"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "task_taskmaster_workflow" in done.stderr
    assert "sqlalchemy" not in done.stderr


def test_run_starts_a_phase_by_hand(task, files, tmp_path):
    """Its task has the meta that makes others follow."""
    path = str(files.write(SHOP))
    words = ("workflow", "run", path, "export", "--at", "2026-01-05")
    dry = task(*words, "--dry-run")
    assert dry.stdout.split()[1:] == ["export", "2026-01-05"]
    done = task(*words, "--bus", "file")
    assert done.returncode == 0, done.stderr
    assert "workflow=shop.toml" in (tmp_path / "export").read_text()


def test_run_asks_for_a_phase_that_is_there(task, files):
    """It names the nearest one."""
    done = task("workflow", "run", str(files.write(SHOP)), "exprt", "--dry-run")
    assert done.returncode == 2
    assert "there is no phase 'exprt': did you mean 'export'?" in done.stderr


def test_a_type_means_its_jobs(task, files):
    """Another type may be written more alike."""
    phase = '[[phase]]\ntask = "{}"\ncron = "@daily"\ntemplate = "x"\n'
    names = ("export2", "export:orders", "export:items")
    path = str(files.write("".join(map(phase.format, names))))
    meant = "did you mean 'export:orders' or 'export:items'?"
    for words in (
        ("workflow", "run", path, "export", "--dry-run"),
        ("backload", "export", "--path", path, "--at", "2026-01-01"),
    ):
        done = task(*words)
        assert (done.returncode, meant in done.stderr) == (2, True), done.stderr


def test_convert_writes_our_spelling(task, files):
    """To stdout."""
    flowlord = '[[Phase]]\ntask = "a"\nrule = "cron=@daily&job=b"\n'
    done = task("workflow", "convert", str(files.write(flowlord)))
    assert done.stdout == '[[phase]]\ntask = "a:b"\ncron = "@daily"\n'


def test_why_tells_when_nothing_is_known(task, files):
    """Of an id, or when there is no store: that is not made by a look."""
    path = files.write(SHOP)
    why = ("workflow", "why", str(path), "some-id", "report")
    done = task(*why)
    assert (done.returncode, done.stdout) == (2, "")
    assert "shop.store.db is not there: name that of the taskmaster" in done.stderr
    assert [*files.folder.iterdir()] == [path]
    task("workflow", "pause", str(path), "export")
    done = task(*why)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing is known of id 'some-id'; shop.toml report follows" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_phase_can_rest_and_go_on(task, files):
    """`why` tells since when, and why; what has no cron is refused."""
    path = str(files.write(SHOP))
    pause = ("workflow", "pause", path, "export", "--note", "no source")
    done = task(*pause)
    rests, made = done.stderr.splitlines()
    assert (done.returncode, rests) == (0, "shop.toml export rests")
    assert "shop.store.db is new: the taskmaster must use it too" in made
    assert task(*pause).stderr == "shop.toml export rests already\n"
    told = task("workflow", "why", path, "some-id", "export").stdout
    assert "shop.toml export rests since" in told
    assert "no source" in told
    assert "goes on" in task("workflow", "resume", path, "export").stderr
    done = task("workflow", "pause", path, "report")
    assert (done.returncode, "has no cron" in done.stderr) == (2, True)


def test_resume_makes_no_store(task, files, tmp_path):
    """One that is mistyped has no phase that rests, and is told."""
    path = str(files.write(SHOP))
    task("workflow", "pause", path, "export", "--store", "state.db")
    done = task("workflow", "resume", path, "export", "--store", "stat.db")
    assert (done.returncode, done.stdout) == (2, "")
    assert "stat.db is not there: name that of the taskmaster" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "stat.db").exists()
    done = task("workflow", "resume", path, "export", "--store", "state.db")
    assert (done.returncode, done.stderr) == (0, "shop.toml export goes on\n")


def test_resume_gives_up_tasks_that_are_never_done(task, files):
    """With --lost; and then its phase fires again."""
    files.write(SHOP.replace('"30 5 * * *"', '"@hourly"\noverlap = "wait"'))
    flow = Flow(files)
    ((lost, _),) = flow.pass_time(hours=3)
    words = ("workflow", "resume", str(files.folder / "shop.toml"), "export")
    words += ("--store", str(files.folder / "state.db"))
    assert task(*words).stderr == "shop.toml export did not rest\n"
    assert flow.pass_time(hours=1) == []
    told = task(*words, "--lost").stderr.splitlines()
    assert told[1] == f"shop.toml export waits no longer for its task {lost.id}"
    assert len(flow.pass_time(minutes=10)) == 1


def test_what_is_drawn_and_planned_shows_no_secret_and_steers_no_terminal(task, files):
    """A file of phases may come from anybody, and an info may hold a password."""
    wild = SHOP.replace('"{yyyy}-{mm}-{dd}"', '"\\u001b[2J?password=SECRET9"')
    path = str(files.write(wild))
    for words in (("check",), ("show",)):
        assert "\x1b" not in task("workflow", words[0], path).stdout
    store = "postgresql://me:SECRET9@127.0.0.1:1/db"
    run = task("workflow", "run", path, "export", "--dry-run")
    day = ("--at", "2026-01-01")
    plan = task("backload", "export", "--path", path, *day)
    for done in (run, plan, task("backload", "--list", "--store", store)):
        assert "\x1b" not in done.stdout
        assert "SECRET9" not in done.stdout + done.stderr
    assert (run.returncode, plan.returncode) == (0, 0)


def test_each_of_two_phases_of_one_name_can_be_named(task, files):
    """As flowlord's files may have; what is asked for can be given."""
    late = SHOP.replace("30 5", "30 6").replace("-{dd}", "-{dd}T06")
    path = str(files.write(SHOP + late.partition("\n\n")[0]))
    done = task("workflow", "run", path, "export", "--dry-run")
    assert done.returncode == 2
    assert "shop.toml/export#1 (line 2), shop.toml/export#2 (line 11)" in done.stderr
    for name, info in (("export#1", "2026-01-05"), ("export#2", "2026-01-05T06")):
        words = ("run", path, f"shop.toml/{name}", "--at", "2026-01-05", "--dry-run")
        assert task("workflow", *words).stdout.split()[1:] == ["export", info]
        assert f"  {name}  " in task("workflow", "check", path).stdout
    assert task("workflow", "pause", path, "export#2").returncode == 0
    assert "rests" in task("workflow", "why", path, "x", "export#2").stdout
    assert "rests" not in task("workflow", "why", path, "x", "export#1").stdout


def test_run_asks_for_the_meta_that_a_template_needs(task, files, tmp_path):
    """As backloads do; `check` tells what that is, and --meta gives it."""
    keys = 'template = "{meta:file}?x={meta:nope}&a={meta:a}"\nmeta = { a = "1" }\n'
    path = str(files.write(f'[[phase]]\ntask = "load"\nmanual = true\n{keys}'))
    told = task("workflow", "check", path).stdout
    assert told.endswith("load  only by hand, with --meta file=... --meta nope=...\n")
    run = ("workflow", "run", path, "load", "--bus", "file")
    for words, text in (
        ((), "template asks for {meta:file}: give --meta file=..."),
        (("--meta", "file=x"), "template asks for {meta:nope}: give --meta nope=..."),
        (("--meta", "file"), "--meta takes KEY=VALUE, not 'file'"),
        (("--meta", "cron=x"), "--meta cannot set 'cron': the taskmaster writes it"),
    ):
        done = task(*run, *words)
        assert (done.returncode, text in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "load").exists()
    done = task(*run, "--meta", "file=a=b,c", "--meta", "nope=")
    assert done.stdout.split()[1:] == ["load", "a=b,c?x=&a=1"], done.stderr
    (line,) = (tmp_path / "load").read_text().splitlines()
    assert "file=a%3Db%2Cc" in line


def test_run_leaves_a_batch_its_own_values(task, files):
    """One that is given twice is refused."""
    keys = 'template = "{meta:a}"\nbatch = { meta = { a = ["1", "2"] } }\n'
    path = str(files.write(f'[[phase]]\ntask = "load"\nmanual = true\n{keys}'))
    run = ("workflow", "run", path, "load", "--dry-run")
    assert task(*run).stdout.split()[2::3] == ["1", "2"]
    assert "has a in its batch" in task(*run, "--meta", "a=3").stderr
