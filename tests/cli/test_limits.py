"""What holds `task launch` back: a rate, a length, and failures in a row."""

import signal

from cli_lines import dead, line, lines

BUS = ("--bus", "sqlite")


def send(task, type, *infos):
    """Send tasks in one command."""
    given = b"".join(line(type, info) for info in infos)
    assert task("send", "-", *BUS, stdin=given).returncode == 0


def test_a_message_that_is_too_long_is_a_dead_letter(task):
    """And says so."""
    given = line("t", "x" * 5000) + line("t", "short")
    done = task("launch", "-w", "echo", "--max-task-bytes", "4K", stdin=given)
    assert [one["info"] for one in lines(done.stdout)] == ["short"]
    (letter,) = dead(done.stderr)
    assert letter["reason"].endswith("--max-task-bytes is 4,096")


def test_limits_are_set_by_flag_environment_and_file(task, folder):
    """As every option; the start line tells the rate."""
    (folder / "task.toml").write_text('[launch]\nrate = "900/s"\n')
    given = line("t", "x")
    told = task("launch", "-w", "echo", stdin=given).stderr
    assert b"at most 900/s" in told
    env = {"TASK_LAUNCH_RATE": "3000/m"}
    told = task("launch", "-w", "echo", stdin=given, env=env).stderr
    assert b"at most 50/s" in told
    told = task("launch", "-w", "echo", "--rate", "80/s", stdin=given, env=env).stderr
    assert b"at most 80/s" in told


def test_a_slow_rate_does_not_hold_up_the_end_of_a_pipe(start):
    """No hour is waited for a task that cannot come."""
    process = start("launch", "-w", "echo", "--rate", "1/h")
    process.stdin.write(line("t", "x"))
    process.stdin.flush()
    assert b'"complete"' in process.stdout.readline()
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b""), told


def test_what_is_no_rate_is_refused(task):
    """With an example."""
    done = task("launch", "-w", "echo", "--rate", "10")
    assert done.returncode == 2
    assert b"--rate: not a rate like 10/s" in done.stderr


def test_a_signal_ends_a_pause(task, start):
    """What has not failed waits on the bus."""
    send(task, "raises", *map(str, range(30)))
    flags = ("--pause-on-errors", "3", "--stats")
    process = start("launch", "-w", "workers.py:raises", *BUS, *flags)
    for seen in process.stderr:
        if b"3 tasks in a row have failed" in seen:
            break
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told
    failed = len(lines(task("tail", "done", *BUS).stdout))
    assert 3 <= failed < 10
    assert len(lines(task("tail", "raises", *BUS).stdout)) == 30 - failed
