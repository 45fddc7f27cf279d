"""`task launch` from the outside: real processes, pipes and files."""

import base64
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lines import COMMAND, dead, line, lines


def test_done_line_is_what_the_go_system_writes(task):
    """Keys, their order and the stamps are those of the wire."""
    done = task("launch", "--worker", "echo", stdin=b'{"type":"a","info":"x<y"}\n')
    assert done.returncode == 0
    task_line = lines(done.stdout)[0]
    assert list(task_line) == ["type", "info", "result", "msg", "started", "ended"]
    head = b'{"type":"a","info":"x<y","result":"complete","msg":"x<y","started":"20'
    assert done.stdout.startswith(head)


def test_what_is_sent_can_be_launched(task):
    """`task send` prints a task that `task launch` does."""
    sent = task("send", "hello", "World", "--job", "j", "--meta", "a=b&c")
    done = task("launch", "--worker", "echo", stdin=sent.stdout)
    assert lines(done.stdout)[0] | {"started": "", "ended": ""} == {
        **lines(sent.stdout)[0],
        "result": "complete",
        "msg": "World",
        "started": "",
        "ended": "",
    }


def test_file_bus_with_four_slots(task, folder):
    """A file of tasks becomes a file of done tasks."""
    (folder / "tasks.json").write_bytes(b"".join(line("t", str(n)) for n in range(500)))
    args = ("--bus", "file", "--topic", "tasks.json", "--done-topic", "done.json")
    done = task("launch", "--worker", "./workers.py:echo_back", *args, "-c", "4")
    assert (done.returncode, done.stdout) == (0, b"")
    messages = [t["msg"] for t in lines((folder / "done.json").read_bytes())]
    assert sorted(messages, key=int) == [str(n) for n in range(500)]


def test_one_bus_is_read_and_another_written(task, folder):
    """`--in-bus` and `--out-bus` need not be the same."""
    (folder / "in.json").write_bytes(line("t", "1"))
    args = ("--in-bus", "file://in.json", "--out-bus", "stdio")
    assert lines(task("launch", "-w", "echo", *args).stdout)[0]["msg"] == "1"


@pytest.mark.parametrize("worker", ["nap", "async_nap"])
def test_end_of_input_cancels_nothing(task, worker):
    """Work that was begun is finished, in threads and in coroutines."""
    stdin = line("t", "0.3") * 4
    done = task("launch", "-w", f"workers.py:{worker}", "-c", "4", stdin=stdin)
    assert [t["msg"] for t in lines(done.stdout)] == ["woke"] * 4


def test_exact_number_of_tasks_leaves_the_rest_of_a_file(folder):
    """After `--max-tasks` the next reader of the same file finds the next task."""
    (folder / "in.json").write_bytes(b"".join(line("t", str(n)) for n in range(5)))
    command = [COMMAND, "launch", "--worker", "echo", "--max-tasks", "2"]
    with (folder / "in.json").open("rb") as stdin:
        first = subprocess.run(command, stdin=stdin, capture_output=True, check=True)
        second = subprocess.run(command, stdin=stdin, capture_output=True, check=True)
    assert [t["msg"] for t in lines(first.stdout)] == ["0", "1"]
    assert [t["msg"] for t in lines(second.stdout)] == ["2", "3"]


@pytest.mark.parametrize(
    ("worker", "result", "msg"),
    [
        ("raises", "error", "ValueError: no such table"),
        ("nonsense", "error", "the worker returned int"),
        ("exits", "error", "SystemExit: 3"),
        ("prints", "complete", ""),
        ("forks", "complete", ""),
    ],
)
def test_whatever_a_worker_does_gives_one_clean_done_line(task, worker, result, msg):
    """Exceptions, nonsense, exits, prints and forks never harm the data stream."""
    done = task("launch", "--worker", f"workers.py:{worker}", stdin=line("t"))
    assert done.returncode == 0
    (only,) = lines(done.stdout)
    assert only["result"] == result
    assert only.get("msg", "").startswith(msg)


def test_a_child_that_cannot_be_written_is_an_error_of_its_task(task, folder):
    """The others are done, and nothing stops."""
    (folder / "in.json").write_bytes(
        line("t", "no/such/folder") + line("t", "sum.json")
    )
    args = ("--bus", "file", "--topic", "in.json", "--done-topic", "done.json")
    done = task("launch", "--worker", "workers.py:sends_to", *args)
    assert done.returncode == 0
    results = {t["info"]: t for t in lines((folder / "done.json").read_bytes())}
    assert results["sum.json"]["result"] == "complete"
    assert results["no/such/folder"]["result"] == "error"
    assert results["no/such/folder"]["msg"].startswith("cannot write topic 'no/such")


def test_a_worker_may_use_multiprocessing(task):
    """Its children are ended by a signal of their own, which stops nobody else."""
    stdin = b"".join(line("t", str(n)) for n in range(1, 6))
    done = task("launch", "--worker", "workers.py:pools", stdin=stdin)
    assert (done.returncode, len(lines(done.stdout))) == (0, 5)
    assert {t["msg"] for t in lines(done.stdout)} == {f"[{2 * n}]" for n in range(1, 6)}


def test_a_child_process_of_a_worker_eats_no_tasks(task):
    """Its stdin is empty; that of the launcher is the bus's."""
    stdin = b"".join(line("t", str(n)) for n in range(50))
    done = task("launch", "--worker", "workers.py:cats", stdin=stdin)
    assert [t["msg"] for t in lines(done.stdout)] == ["0"] * 50


def test_a_worker_that_changes_its_folder_moves_no_results(task, folder):
    """Topics are files below the folder of the start."""
    (folder / "in.json").write_bytes(line("t", "1") + line("t", "2"))
    args = ("--bus", "file", "--topic", "in.json", "--done-topic", "done.json")
    assert task("launch", "--worker", "workers.py:wanders", *args).returncode == 0
    assert len(lines((folder / "done.json").read_bytes())) == 2
    assert not (folder / "elsewhere" / "done.json").exists()


def test_a_stdin_that_is_closed_is_one_line(folder):
    """It does not hang, nor read what took its number."""
    command = f"{COMMAND} launch -w echo <&- | cat; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.splitlines()[-1].startswith(b"task: cannot read stdin")


def test_what_a_worker_prints_comes_out_on_stderr(task):
    """From `print`, from the descriptor and from child processes."""
    done = task("launch", "--worker", "workers.py:prints", stdin=line("t"))
    for text in (b"printed", b"written", b"from a child"):
        assert text in done.stderr


def test_an_exception_is_logged_with_the_workers_frames_only(task):
    """The traceback begins in the author's file."""
    done = task("launch", "--worker", "workers.py:raises", stdin=line("t"))
    assert b"workers.py" in done.stderr
    assert b"task_core" not in done.stderr


def test_children_and_meta_leave_with_the_done_task(task):
    """What a worker sends comes before its done task, meta percent-encoded."""
    done = task("launch", "--worker", "workers.py:parent", stdin=line("t", "x"))
    child, parent = lines(done.stdout)
    assert (child["type"], child["info"], child["id"]) == ("child", "x", "7")
    assert parent["meta"] == "file=a%26b"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nope", "not JSON"),
        (b"[1]", "not a JSON object but an array"),
        (b'{"info":"x"}', "`type` is missing"),
        (b'{"type":"a"}', "`info` is missing"),
        (b'{"type":1,"info":""}', "`type` must be a string"),
        (b'{"type":"a","info":{}}', "`info` must be a string"),
        (b'{"type":"a","info":"","created":"yesterday"}', "`created` is not"),
        (b'{"type":"a","info":"\xff"}', "not UTF-8"),
        (b'{"type":"a","info":"\x00"}', "not JSON"),
        (rb'{"type":"a","info":"\ud800"}', "not JSON"),
    ],
)
def test_what_is_no_task_goes_to_stderr_with_its_bytes(task, body, reason):
    """It never stops the run, and its original bytes are kept."""
    done = task("launch", "-w", "echo", stdin=body + b"\n" + line("t", "next"))
    assert done.returncode == 0
    assert [t["msg"] for t in lines(done.stdout)] == ["next"]
    (letter,) = dead(done.stderr)
    assert reason in letter["reason"]
    kept = letter.get("body64")
    assert (base64.b64decode(kept) if kept else letter["body"].encode()) == body


def test_tasks_of_another_type(task):
    """`reject` reports them, `ignore` drops them, `run` does them."""
    stdin = line("echo", "mine") + line("other", "theirs")

    def launch(policy: str) -> list[str]:
        done = task("launch", "-w", "echo", "--type-policy", policy, stdin=stdin)
        return sorted(t["msg"] for t in lines(done.stdout))

    assert launch("run") == ["mine", "theirs"]
    assert launch("ignore") == ["mine"]
    assert launch("reject") == ["mine", "unexpected task type 'other' wanting 'echo'"]


def test_failed_tasks_can_fail_the_command(task):
    """Only with `--fail` is the exit code 1."""
    args = ("launch", "--worker", "workers.py:raises")
    assert task(*args, stdin=line("t")).returncode == 0
    assert task(*args, "--fail", stdin=line("t")).returncode == 1
    assert task("launch", "-w", "echo", "--fail", stdin=line("t")).returncode == 0


def test_dead_letters_can_fail_the_command_too(task):
    """Nothing was done: that is no success."""
    args = ("launch", "--worker", "echo")
    assert task(*args, stdin=b"no task\n").returncode == 0
    assert task(*args, "--fail", stdin=b"no task\n").returncode == 1


def test_done_tasks_must_not_go_where_they_came_from(task):
    """They would be done again and again."""
    done = task("launch", "-w", "echo", "--topic", "done", stdin=line("t"))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"topic 'done' is read, and would get what comes of its tasks" in done.stderr


def test_a_worker_may_print_what_no_locale_knows(task):
    """It is shown as well as the terminal can."""
    env = {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}
    done = task("launch", "--worker", "workers.py:umlauts", stdin=line("t"), env=env)
    assert lines(done.stdout)[0]["result"] == "complete"
    assert rb"\xfc" in done.stderr


def test_a_worker_whose_close_raises_has_done_its_tasks(task):
    """One line says so; it is no bug of the launcher's."""
    done = task("launch", "--worker", "workers.py:Closing", stdin=line("t"))
    assert (done.returncode, len(lines(done.stdout))) == (0, 1)
    assert b"the worker's close() raised ValueError: no" in done.stderr
    assert b"this is a bug" not in done.stderr


def test_a_working_folder_that_was_deleted_is_no_bug(folder):
    """A pipe does not need one."""
    command = f"mkdir gone; cd gone; rmdir ../gone; {COMMAND} launch -w echo"
    done = subprocess.run(
        ["bash", "-c", command],
        input=line("t", "x"),
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[0]["msg"] == "x"


def test_ten_megabytes_of_info_pass(task):
    """A line has no longest length."""
    info = "x" * 10_000_000
    done = task("launch", "-w", "echo", stdin=line("t", info) + line("t", "next"))
    first, second = lines(done.stdout)
    assert first["msg"] == info, "whole"  # compared alone: pytest would print it
    assert second["msg"] == "next"


def test_a_hundred_megabytes_that_are_no_task_do_not_stop_the_run(task):
    """They go to stderr whole, and the next task is done."""
    junk = b"x" * 100_000_000
    done = task("launch", "-w", "echo", stdin=junk + b"\n" + line("t", "next"))
    assert [t["msg"] for t in lines(done.stdout)] == ["next"]
    assert dead(done.stderr)[0]["body"] == junk.decode()


def test_memory_stays_flat(folder):
    """A hundred times as many tasks take no more memory."""

    def peak(count: int) -> int:
        (folder / "in.json").write_bytes(line("t", "x" * 100) * count)
        code = (
            "import resource, subprocess, sys\n"
            f"subprocess.run([{COMMAND!r}, 'launch', '-w', 'echo'], check=True,"
            " stdin=open('in.json', 'rb'), stdout=open('out.json', 'wb'))\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        args = [sys.executable, "-c", code]
        done = subprocess.run(args, cwd=folder, capture_output=True, check=True)
        return int(done.stdout)

    small = peak(3_000)
    assert peak(300_000) < small + 4 * 1024, "kilobytes"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0


def test_a_reader_that_leaves_ends_the_run_with_one_line(folder):
    """As `| head -1` does: no traceback, and it says what was not reported."""
    stdin = (folder / "in.json").open("wb")
    stdin.write(line("t", "x") * 50_000)
    stdin.close()
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"{COMMAND} launch -w echo < in.json | head -1; echo ${{PIPESTATUS[0]}}",
        ],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    first, code = done.stdout.splitlines()
    assert json.loads(first)["msg"] == "x"
    assert code == b"4"
    assert b"stdout was closed by its reader" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_topic_that_cannot_be_written_is_refused_before_any_work(task, folder):
    """No task is taken for a done topic that nobody can write."""
    (folder / "tasks.json").write_bytes(line("t", "1"))
    args = ("--bus", "file", "--topic", "tasks.json", "--done-topic", "no/such/done")
    done = task("launch", "--worker", "workers.py:prints", *args)
    assert done.returncode == 4
    assert b"no/such/done" in done.stderr
    assert b"printed" not in done.stderr


def test_help_shows_the_options_of_what_is_selected(task):
    """And only those."""
    plain = task("launch", "--help").stdout.decode()
    chosen = task(
        "launch", "--worker", "nop", "--bus", "file", "--help"
    ).stdout.decode()
    assert "--bus-follow" not in plain
    assert "Options of bus file" in chosen
    assert "--bus-follow" in chosen
    assert "--worker-fail-rate" in chosen


def test_idle_memory_is_small(start):
    """A launcher that waits needs at most 40 MB."""
    process = start("launch", "--worker", "echo")
    process.stdin.write(line("t", "1"))
    process.stdin.flush()
    process.stdout.readline()  # it is up, and has worked
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident = next(x for x in status.splitlines() if x.startswith("VmRSS"))
    assert int(resident.split()[1]) < 40 * 1024


def test_the_counts_have_the_names_of_the_go_system(task):
    """One line of JSON at the end, when asked for."""
    args = ("--worker", "echo", "--stats", "--log-level", "error")
    done = task("launch", *args, stdin=line("t") * 3)
    (counts,) = lines(done.stderr)
    assert counts["tasks_consumed"] == 3
    assert counts["tasks_running"] == 0
    assert counts["producer"] == {"bus": "stdio", "sent": {"done": 3}}
    source = {"bus": "stdio", "topic": "echo", "channel": "echo", "received": 3}
    assert counts["consumer"] == source
    assert {"runtime", "mean_tasktime"} <= counts.keys()


@pytest.mark.parametrize("kind", ["../secret/victim", "a/../../victim", "/tmp/victim"])
def test_a_type_leads_out_of_no_folder(task, folder, kind):
    """It comes from data; where a person names the topic, any path will do."""
    inside = folder / "inside"
    inside.mkdir()
    (folder / "secret").mkdir()
    sent = task("send", "-", "--bus", "file", stdin=line(kind, "x"), cwd=inside)
    assert sent.returncode != 0
    assert b"would lead out of the folder" in sent.stderr
    worker = folder / "workers.py"
    pair = ("--in-bus", "stdin", "--out-bus", "file")
    flags = ("-w", f"{worker}:sends_type", *pair)
    task("launch", *flags, stdin=line("sends_type", kind), cwd=inside)
    (only,) = lines((inside / "done").read_bytes())
    assert only["result"] == "error"
    assert "would lead out of the folder" in only["msg"]
    assert not [*folder.rglob("victim")]
    named = ("send", "-", "--bus", "file", "--topic", "../secret/meant")
    assert task(*named, stdin=line(kind, "x"), cwd=inside).returncode == 0
    assert (folder / "secret" / "meant").exists()


def test_debug_tells_each_step_of_a_task_in_a_line(task):
    """With its name; without it nobody pays for that."""
    flags = ("launch", "-w", "workers.py:echo_back", "-l", "debug", "--no-log-time")
    done = task(*flags, stdin=line("t", "1"))
    steps = [one for one in done.stderr.splitlines() if b" task t " in one]
    assert steps == [
        b"task: debug: received task t '1' at 1, attempt 1",
        b"task: debug: started task t '1' at 1, attempt 1",
        b"task: debug: finished task t '1' at 1, attempt 1: complete: '1'",
        b"task: debug: settled task t '1' at 1, attempt 1: complete",
    ]


def test_a_line_now_and_then_counts_what_was_done(start):
    """While there is work."""
    flags = ("--log-interval", "100ms", "--log-format", "json")
    process = start("launch", "-w", "workers.py:nap", *flags)
    process.stdin.write(line("t", "0") + line("t", "600"))
    process.stdin.flush()
    for text in process.stderr:
        if b"1 complete in the last 100ms; 1 in work" in text:
            break
    process.kill()


@pytest.mark.parametrize("name", ["TASK_LOG_FORMAT", "TASK_LAUNCH_LOG_FORMAT"])
def test_an_error_that_ends_a_launch_is_a_line_as_all_others(task, name):
    """So that what reads JSON meets nothing else; the traceback if it is asked for."""
    env = {name: "json", "TASK_DEBUG": "1"}
    done = task("launch", "-w", "echo", "--bus", "sqlite:no/t.db", env=env)
    assert done.returncode == 4
    (only,) = map(json.loads, done.stderr.splitlines())
    assert only["level"] == "critical"
    assert "no/t.db" in only["message"]
    assert "Traceback" in only["exception"]


FAILING = """
import attrs
from task_core.api import failed, worker

@attrs.frozen
class Params:
    n: int

@worker
def reads(params: Params): pass

@worker
def fails(info): return failed(f"no table {info}")

@worker
def raises(info): raise ValueError(info)
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize(
    ("worker", "told"),
    [
        (
            "reads",
            "task: warning: task reads 'x' at 1, attempt 1, failed: n is required",
        ),
        ("fails", "task: warning: task fails 'x' at 1, attempt 1, failed: no table x"),
        ("raises", "task: error: the worker raised: task raises 'x' at 1, attempt 1"),
    ],
)
def test_why_a_task_failed_is_on_stderr_once(task, folder, pool, worker, told):
    """Named, also where it is no exception."""
    (folder / "failing.py").write_text(FAILING)
    words = ("-w", f"failing.py:{worker}", "--pool", pool, "--no-log-time")
    done = task("launch", *words, stdin=line(worker, "x"))
    lines = done.stderr.decode().splitlines()
    assert [text for text in lines if "attempt 1" in text] == [told]
