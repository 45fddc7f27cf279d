"""A user's mistake gives one clear answer and the right exit code, no traceback."""

import pytest
from cli_lines import line


@pytest.mark.parametrize(
    ("args", "code", "texts"),
    [
        (["lauch"], 2, ["there is no command 'lauch'", "did you mean 'launch'?"]),
        (["launch", "echo"], 2, ["Did you mean --worker echo?"]),
        (["launch", "./a.py"], 2, ["Did you mean --worker ./a.py?"]),
        (
            ["launch", "-w", "echo", "more"],
            2,
            ["task: this is too much: more", "launch --help"],
        ),
        (["launch"], 2, ["launch what?", "--worker", "TASK_LAUNCH_WORKER"]),
        (
            ["launch", "-w", "ecko"],
            3,
            ["no worker 'ecko'", "did you mean 'echo'?", "nop"],
        ),
        (["launch", "-w", "echo", "-b", "flie"], 3, ["no bus 'flie'", "mean 'file'"]),
        (["launch", "-w", "echo", "-b", "nqs"], 3, ["did you mean 'nsq'?"]),
        (["launch", "-w", "echo", "--concurency", "2"], 2, ["--concurrency"]),
        (
            ["launch", "-w", "echo", "-c", "0"],
            2,
            ["--concurrency: must be >= 1, got 0"],
        ),
        (
            ["launch", "-w", "echo", "-b"],
            2,
            ["task: -b wants a value", "launch --help'"],
        ),
        (["send", "a", "--bus"], 2, ["--bus wants a value", "'task send --help'"]),
        (
            ["plugins", "doctor", "--connect"],
            2,
            ["--connect wants a value", "'task plugins doctor --help'"],
        ),
        (["launch", "-w", "echo", "--kill-time", "5"], 2, ["for example 5s"]),
        (["launch", "-w", "echo", "--type-policy", "x"], 2, ["run, reject, ignore"]),
        (["launch", "-w", "echo", "--dead-topic", "x"], 2, ["for example x.dead"]),
        (
            ["launch", "--taskmaster", "os:getcwd", "-c", "2"],
            2,
            ["for workers"],
        ),
        (["launch", "-w", "echo", "--retries", "2"], 2, ["does not offer 'delay'"]),
        (["launch", "-w", "echo", "-b", "file://x?folow=1"], 2, ["'follow'"]),
        (["launch", "-w", "nope.py:f"], 2, ["worker file 'nope.py' does not exist"]),
        (["launch", "-w", "workers.py:nop"], 2, ["no 'nop' in 'workers.py'", "nap"]),
        (["launch", "-w", "workers.py"], 2, ["workers.py:NAME", "nap"]),
        (["launch", "-w", "no_module:f"], 2, ["there is no module 'no_module'"]),
        (
            ["launch", "-w", "echo", "-b", "file", "-t", "no.json"],
            4,
            ["no.json", "the topic is the path"],
        ),
        (["launch", "-w", "exec:./no"], 2, ["there is no program './no'"]),
        (["send", "a", "b", "--meta", "x"], 2, ["--meta: not key=value: 'x'"]),
        (["send", "a", "b", "--delay", "1s"], 2, ["does not offer 'delay'"]),
        (["tail", "no.json", "--bus", "file"], 4, ["no.json"]),
        (["launch", "-w", "echo", "-C", "no.toml"], 2, ["cannot read no.toml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistake_on_the_command_line(task, args, code, texts):
    """The answer names what is wrong and what there is instead."""
    done = task(*args, stdin=line("t"))
    text = done.stderr.decode()
    assert done.returncode == code, text
    for wanted in texts:
        assert wanted in text
    assert "Traceback" not in text
    assert done.stdout == b""


def test_all_wrong_values_are_reported_at_once(task):
    """From wherever they come, each with its origin."""
    args = ("launch", "-w", "echo", "-c", "x", "--bus", "file")
    env = {"TASK_LAUNCH_MAX_TASKS": "-1", "TASK_BUS_FILE_FOLLOW": "perhaps"}
    text = task(*args, env=env).stderr.decode()
    assert "--concurrency: not a whole number: 'x'" in text
    assert "launch.max_tasks (TASK_LAUNCH_MAX_TASKS): must be >= 0, got -1" in text
    assert "bus.file.follow (TASK_BUS_FILE_FOLLOW): not true or false" in text


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("[launch]\nworker = \n", "task.toml is no TOML: Invalid value (at line 2"),
        ("[launch]\n\nworkr = 'echo'\n", "task.toml, line 3: launch has no option"),
        ("launch = 3\n", "task.toml, line 1: launch must be a table"),
        ("[launch]\nconcurrency = 'x'\n", "launch.concurrency (task.toml, line 2)"),
        ("[bus.stdio]\nx = 1\n", "task.toml, line 2: bus stdio has no option 'x'"),
    ],
)
def test_mistake_in_the_toml_file(task, folder, toml, text):
    """The answer names file, line and key."""
    (folder / "task.toml").write_text(toml)
    done = task("launch", "--worker", "echo")
    assert done.returncode == 2
    assert text in done.stderr.decode()


def test_tables_of_other_plugins_are_not_looked_at(task, folder):
    """One file serves many hosts, whatever is installed there."""
    (folder / "task.toml").write_text("[bus.nsq]\nx = 1\n[bus.other]\ny = 2\n")
    assert task("launch", "--worker", "echo", stdin=line("t")).returncode == 0


def test_a_syntax_error_in_a_worker_file_names_its_line(task, folder):
    """No traceback: the author sees where to look."""
    (folder / "bad.py").write_text("x = 1\ndef f(:\n")
    text = task("launch", "--worker", "bad.py:f").stderr.decode()
    assert "syntax error in bad.py:2" in text
    assert "Traceback" not in text


def test_debug_adds_the_traceback(task):
    """For those who write plugins."""
    assert b"Traceback" in task("--debug", "launch", "--worker", "nope").stderr


def test_a_launcher_that_could_not_start_counts_nothing(task):
    """The mistake is the only line."""
    done = task("launch", "-w", "echo", "-b", "file", "-t", "no.json")
    assert len(done.stderr.splitlines()) == 1


def test_a_mistyped_table_is_no_silence(task, folder):
    """Its options would be missing, and nobody would know."""
    (folder / "task.toml").write_text("[bus.fil]\npath = 'x'\n")
    done = task("launch", "-w", "echo")
    assert done.returncode == 2
    text = "task: task.toml, line 1: nothing reads [bus.fil]: did you mean 'file'?\n"
    assert done.stderr.decode() == text


def test_a_mistyped_table_of_a_worker_is_a_warning(task, folder):
    """One of a file, or of another machine, may be called like that."""
    text = "[launch]\nlog_level = 'info'\n[worker.ecko]\nx = 1\n[worker.other]\nx = 1\n"
    (folder / "task.toml").write_text(f"{text}[worker.hello]\n")
    done = task("launch", "-w", "echo", "--no-log-time", stdin=line("t"))
    assert done.returncode == 0
    (told,) = [one for one in done.stderr.decode().splitlines() if "reads [" in one]
    assert told == (
        "task: warning: task.toml, line 3: nothing reads [worker.ecko]: no worker"
        " 'ecko' is installed: did you mean 'echo'?"
    )


def test_a_table_of_a_worker_in_a_file_is_no_mistake(task, folder):
    """Whatever is installed that is called nearly so."""
    (folder / "ecko.py").write_text(
        "import attrs\nfrom task_core.api import option, worker\n"
        "@attrs.frozen\nclass Options:\n    x: int = option(0, help='x')\n"
        "@worker(options=Options)\ndef ecko(info):\n    pass\n"
    )
    (folder / "task.toml").write_text("[worker.ecko]\nx = 1\n")
    done = task("launch", "-w", "ecko.py:ecko", stdin=line("t"))
    assert done.returncode == 0, done.stderr
    assert b"nothing reads" not in done.stderr
