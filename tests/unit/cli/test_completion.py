"""Rules of `task_core.cli.completion`, and of what is completed."""

import shutil
import subprocess

import pytest


@pytest.fixture
def complete(task, monkeypatch):
    """Return what a shell would offer for the last word."""

    def run(*words):
        monkeypatch.setenv("_TASK_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["task", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return [line.partition(",")[2] for line in task().out.splitlines()]

    return run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(task, shell):
    """To be evaluated by the shell; it calls `task` for the answers."""
    done = task("completion", shell)
    assert done.code == 0
    assert "_TASK_COMPLETE" in done.out


def test_the_script_is_one_that_bash_reads(task):
    """Checked by the shell itself, where it is installed."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    script = task("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_another_shell_is_refused(task):
    """With the names of those that there are."""
    done = task("completion", "tcsh")
    assert done.code == 2
    assert "'bash', 'zsh', 'fish'" in done.err


def test_commands_are_completed(complete):
    """From the table."""
    assert complete("la") == ["launch"]


def test_flags_are_completed(complete):
    """Those of the command."""
    assert complete("launch", "--conc") == ["--concurrency"]


def test_plugin_names_are_completed_without_importing_any(complete, install):
    """Metadata is enough, and a broken plugin is no obstacle."""
    install("bus", "broken", "raise SystemExit('imported')")
    assert complete("launch", "--bus", "br") == ["broken"]
    assert complete("launch", "--worker", "ec") == ["echo"]
    assert "file" in complete("tail", "--bus", "")


def test_flags_of_a_selected_plugin_are_completed(complete, install):
    """As in the help; a broken one is no obstacle."""
    assert "--bus-path" in complete("launch", "--bus", "sqlite", "--bus-")
    install("bus", "broken", "raise SystemExit('imported')")
    assert complete("launch", "--bus", "broken", "--conc") == ["--concurrency"]


def test_words_that_an_option_takes_are_completed(complete):
    """And files, by the shell, where it takes a file."""
    assert complete("launch", "--ack", "") == ["early", "late"]
    assert complete("launch", "--worker", "./my") == ["./my"]
    assert complete("plugins", "show", "bus", "sq") == ["sqlite"]
