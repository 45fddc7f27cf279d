"""The taskmaster as people run it: real processes, real time, real signals."""

import json
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

TICK = '[[rule]]\ncron = "@every 1s"\ntype = "tick"\ntemplate = "{ts}"\n'
SECOND = timedelta(seconds=1)


@pytest.fixture
def launch(tmp_path):
    """Start `task launch` with the rules in `rules.toml`; end it with the test."""
    started = []

    def launch(*flags):
        command = [sys.executable, "-m", "task_core", "launch", "--taskmaster", "cron"]
        process = subprocess.Popen(
            [*command, "--taskmaster-rules", "rules.toml", "--bus", "stdio", *flags],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.communicate()


def moment(line):
    """Return the time of a task."""
    return datetime.strptime(json.loads(line)["info"], "%Y%m%dT%H%M%S")  # noqa: DTZ007


def moments(process, count):
    """Return the times of the next tasks on its stdout."""
    return [moment(process.stdout.readline()) for _ in range(count)]


def test_it_sends_until_it_is_told_to_stop(launch, tmp_path):
    """And has written down how far it came."""
    (tmp_path / "rules.toml").write_text(TICK)
    process = launch()
    first, second = moments(process, 2)
    assert second - first == SECOND
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    assert "sent" in stderr
    (entry,) = json.loads((tmp_path / "rules.state.json").read_text())["rules"].values()
    assert entry["done"] >= f"{second:%Y-%m-%dT%H:%M:%SZ}"


def test_a_killed_one_loses_nothing(launch, tmp_path):
    """What comes next begins where it ended, at most with what was sent last."""
    (tmp_path / "rules.toml").write_text(TICK)
    killed = launch("--taskmaster-missed", "all")
    (last,) = moments(killed, 1)
    killed.kill()
    for line in killed.communicate()[0].splitlines():  # sent in the last instant
        last = moment(line)
    first, second = moments(launch("--taskmaster-missed", "all"), 2)
    assert first in (last, last + SECOND)
    assert second - first == SECOND


def test_a_mistyped_table_is_told_in_a_line(launch, tmp_path):
    """What it says would be missing."""
    (tmp_path / "rules.toml").write_text(TICK)
    (tmp_path / "task.toml").write_text('[taskmaster.corn]\nmissed = "all"\n')
    process = launch()
    moments(process, 1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    assert stderr.count("task.toml, line 1: nothing reads [taskmaster.corn]: ") == 1
    assert "no taskmaster 'corn' is installed: did you mean 'cron'?" in stderr


def test_a_mistyped_table_is_told_with_what_is_missing(tmp_path):
    """It is where that should have come from."""
    (tmp_path / "task.toml").write_text('[taskmaster.corn]\nrules = "rules.toml"\n')
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "launch", "--taskmaster", "cron"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    missing, mistyped = done.stderr.splitlines()
    assert "taskmaster.cron.rules is required" in missing
    assert "task.toml, line 1: nothing reads [taskmaster.corn]: " in mistyped
    assert "did you mean 'cron'?" in mistyped


def test_a_wrong_file_is_told_in_lines(launch, tmp_path):
    """One for each mistake, no traceback, nothing sent."""
    (tmp_path / "rules.toml").write_text('[[rule]]\ncron = "x"\nkind = "y"\n')
    process = launch()
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (2, "")
    for line in (1, 2, 3):
        assert f"rules.toml, line {line} (rule 1): " in stderr
    assert "Traceback" not in stderr


def test_a_dry_run_ends_by_itself(launch, tmp_path):
    """It prints to stderr: stdout is the bus's."""
    (tmp_path / "rules.toml").write_text('[[rule]]\ncron = "@yearly"\ntype = "t"\n')
    process = launch("--taskmaster-dry-run", "2")
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (0, "")
    assert stderr.count("-01-01T00:00:00+00:00  t\n") == 2


def test_the_manifest_imports_no_library():
    """Help and lists must not depend on it."""
    program = (
        "import sys\n"
        "before = {*sys.modules}  # what measures coverage has read TOML already\n"
        "import task_taskmaster_cron.plugin\n"
        "assert not {'cronsim', 'zoneinfo', 'tomllib'} & ({*sys.modules} - before)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
