"""Rules of `task_core.cli.main`."""

import errno
import os
import subprocess
import sys
from types import ModuleType

import click
import pytest

from task_core import __version__
from task_core.cli.commands import COMMANDS, Entry
from task_core.cli.main import cli
from task_core.errors import BusError, OptionError, PluginError

HEAVY = (
    "task_core.cli.launch",
    "task_core.api",
    "task_core.builtin.",
    "task_core.launcher",
)
VERSION = f"task-framework {__version__}"
HELP_MODULES = """
import sys
from task_core.cli.main import main
try:
    main(["--help"])
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture
def command(monkeypatch):
    """Make `task boom` raise an exception."""

    def make(error):
        ours = {"__name__": "task_core.boom", "error": error}
        exec("def boom():\n    raise error", ours)
        module = ModuleType("boom_module")
        module.boom = click.command(ours["boom"])
        monkeypatch.setitem(sys.modules, "boom_module", module)
        monkeypatch.setitem(COMMANDS, "boom", Entry("boom_module:boom", "Fail."))

    return make


def commands():
    """Return every command with its words, those of groups too."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", c) for sub, c in command.commands.items())


@pytest.mark.usefixtures("unmeasured")
def test_help_imports_no_command_and_no_plugin():
    """It is fast, and whatever is broken cannot break it."""
    done = subprocess.run(
        [sys.executable, "-c", HELP_MODULES], capture_output=True, text=True, check=True
    )
    assert "launch" in done.stdout
    loaded = done.stderr.split()
    assert "task_core.cli.main" in loaded
    assert not [name for name in loaded if name.startswith(HEAVY)]
    assert not {"asyncio", "pluggy", "stevedore", "sqlite3"} & {*loaded}
    assert not [name for name in loaded if name.startswith("task_command")]


def test_the_table_is_shown_with_its_help(task):
    """Each command with one line."""
    text = task("--help").out
    for name, entry in COMMANDS.items():
        assert name in text
        assert entry.help in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_can_be_imported(task, name):
    """And explains itself."""
    done = task(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: task {name}")


def test_every_command_has_a_help_text_and_examples():
    """For a group, one of its commands will do."""
    helps = {words: command.help or "" for words, command in commands()}
    assert all(helps.values())
    for name in COMMANDS:
        texts = [text for words, text in helps.items() if words.split()[0] == name]
        assert any("Examples:" in text for text in texts), name


def test_every_option_has_a_help_text():
    """An option that nobody explains is of no use."""
    missing = [
        f"{words} {param.opts[0]}"
        for words, command in commands()
        for param in command.params
        if isinstance(param, click.Option) and not param.help
    ]
    assert missing == []


def test_without_a_command_the_help_is_shown(task):
    """To whoever begins; newer versions of click call it a usage error."""
    done = task()
    assert done.code in (0, 2)
    assert "Commands:" in done.out + done.err


def test_the_version_names_framework_and_python(task):
    """As reports of bugs need it."""
    done = task("--version")
    assert done.code == 0
    assert done.out.startswith(f"task-framework {__version__}, Python 3.")


def test_a_wrong_command_is_told_the_nearest(task):
    """And all that there are."""
    done = task("lauch")
    assert done.code == 2
    assert "there is no command 'lauch': did you mean 'launch'?" in done.err
    assert "completion" in done.err


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("help", "task --help"),
        ("version", "task --version"),
        ("echo", "task launch --worker echo"),
    ],
)
def test_what_is_asked_for_as_a_command_and_is_none_is_told(task, word, meant):
    """It resembles no command, so nearness would not find it."""
    done = task(word)
    assert done.code == 2
    assert f"there is no command '{word}': did you mean '{meant}'?" in done.err


def test_a_wrong_flag_is_told_the_nearest(task):
    """Of the command, and of the group."""
    assert "--concurrency" in task("launch", "--concurency", "2").err
    assert "--debug" in task("--debgu", "launch").err


def test_a_wrong_word_is_one_line_and_where_help_is(task):
    """In the form of every other error."""
    done = task("plugins", "show", "buss", "file")
    first, second = done.err.splitlines()
    assert first.startswith("task: KIND: 'buss' is not one of 'bus', ")
    assert second == "      'task plugins show --help' shows more"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OptionError(["a is wrong", "b too"]), 2, "task: a is wrong\n      b too\n"),
        (PluginError("cannot load"), 3, "task: cannot load\n"),
        (BusError("gone"), 4, "task: gone\n"),
        (BusError(), 4, "task: BusError\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            4,
            "task: cannot write stdout: No space left on device\n",
        ),
    ],
    ids=repr,
)
def test_an_error_is_its_text_and_its_exit_code(task, command, error, code, text):
    """Never a traceback."""
    command(error)
    done = task("boom")
    assert done.code == code
    assert done.err.strip() == text.strip()
    assert done.out == ""


def test_any_other_exception_is_a_bug_and_says_so(task, command):
    """With all that a report needs."""
    command(KeyError("oh"))
    done = task("boom")
    assert done.code == 1
    assert "Traceback" in done.err
    assert "KeyError: 'oh'" in done.err
    assert f"this is a bug: please report what is above, with {VERSION}" in done.err
    assert done.out == ""


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_the_environment_adds_the_traceback(task, command, monkeypatch, value, shown):
    """Of a user's mistake, for those who look for where it is found."""
    monkeypatch.setenv("TASK_DEBUG", value)
    command(BusError("gone"))
    done = task("boom")
    assert ("Traceback" in done.err) is shown
    assert done.err.endswith("task: gone\n")


def test_a_flag_adds_the_traceback(task, command, monkeypatch):
    """As the environment does."""
    monkeypatch.setenv("TASK_DEBUG", "")
    command(BusError("gone"))
    assert "Traceback" in task("--debug", "boom").err


def test_a_reader_that_has_enough_is_no_error_of_a_long_output(folder):
    """More than the pipe holds."""
    line = '{"type":"a","info":"x"}\n'
    (folder / "a.json").write_text(line * 20_000)
    script = f"{sys.executable} -m task_core tail a.json --bus file | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (line, "")


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("launch", "--help")])
def test_a_reader_that_has_enough_is_no_error_of_help(folder, words):
    """Not even one that reads nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_argument_that_is_no_text_is_refused(folder):
    """It would be sent as something else."""
    command = [sys.executable, "-m", "task_core", "send", "load", b"caf\xe9.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "task: this argument is not UTF-8: 'caf\\udce9.csv'\n"


def test_any_text_may_be_printed_in_any_locale(folder):
    """Workers may print what they like."""
    source = (
        "from task_core.api import worker\n@worker\ndef w(info: str): print(info)\n"
    )
    (folder / "w.py").write_text(source)
    task = '{"type":"w","info":"\u00fc"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "launch", "-w", "./w.py:w"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0"}
        | {"PYTHONCOERCECLOCALE": "0"},
        input=task,
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"result":"complete"' in done.stdout
    assert "\\xfc" in done.stderr


@pytest.mark.parametrize(
    "words", [("boom", "--debug"), ("--debug", "boom"), ("boom", "--debug", "--")]
)
def test_the_flag_may_stand_anywhere(task, command, monkeypatch, words):
    """People add it to the line that they have just typed."""
    monkeypatch.setenv("TASK_DEBUG", "")
    command(BusError("gone"))
    assert "Traceback" in task(*words).err


def test_what_follows_two_dashes_is_no_flag(task, command, monkeypatch):
    """It may be meant for a program."""
    monkeypatch.setenv("TASK_DEBUG", "")
    command(BusError("gone"))
    assert "Traceback" not in task("boom", "--", "--debug").err


def test_an_error_that_comes_from_others_is_not_called_a_bug_of_ours(
    task, command, monkeypatch, tmp_path
):
    """The report would go to those who cannot mend it."""
    monkeypatch.setenv("TASK_DEBUG", "")
    (tmp_path / "of_others.py").write_text("def fail():\n    {}['oh']\n")
    monkeypatch.syspath_prepend(tmp_path)
    fail = __import__("of_others").fail
    command(KeyError("replaced"))
    sys.modules["boom_module"].boom.callback = fail
    done = task("boom")
    assert done.code == 1
    assert "KeyError: 'oh'" in done.err
    assert "it comes from of_others (of_others.py:2), and not from the" in done.err
    assert "this is a bug" not in done.err
    assert "in fail" in done.err
    assert "/task_core/" not in done.err
    assert "/task_core/" in task("--debug", "boom").err


def test_an_error_of_a_plugin_names_its_distribution(
    task, command, monkeypatch, tmp_path
):
    """Its name alone may be that of anybody's module."""
    (tmp_path / "of_others.py").write_text("def fail():\n    {}['oh']\n")
    metadata = tmp_path / "others-2.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: others\nVersion: 2.1\n")
    (metadata / "entry_points.txt").write_text("[task_core.bus]\nx = of_others:x\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "of_others", raising=False)
    fail = __import__("of_others").fail
    command(KeyError("replaced"))
    sys.modules["boom_module"].boom.callback = fail
    text = "task: it comes from of_others (of_others.py:2) of others 2.1, and not from"
    assert text in task("boom").err


def test_a_folder_that_was_deleted_is_told(task, folder):
    """It is where files are looked for."""
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    done = task("launch", "--worker", "./work.py:work")
    os.chdir(folder)
    assert done.err == "task: the current folder is gone: go to one that exists\n"
    assert done.code == 2


def test_a_plugin_that_takes_the_streams_away_silences_nobody(task, folder):
    """Whatever goes wrong is told all the same."""
    source = "import sys\nsys.stdout = sys.stderr = sys.stdin = None\n1 / 0\n"
    (folder / "rude.py").write_text(source)
    done = task("launch", "--worker", "./rude.py:work")
    assert done.code == 2
    assert "ZeroDivisionError" in done.err


@pytest.mark.parametrize(
    ("closed", "code", "text"),
    [(">&-", 4, "task: stdout is closed: point it at /dev/null"), ("2>&-", 0, "")],
)
def test_a_closed_stream_is_no_bug(closed, code, text):
    """Data has nowhere to go without stdout; nobody misses stderr."""
    script = f"{sys.executable} -m task_core plugins list {closed}"
    done = subprocess.run(
        script, shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.startswith(text)
    assert "Traceback" not in done.stderr


def test_a_broken_pipe_that_is_not_that_of_stdout_is_no_success(task, command):
    """It is of a socket, or of whoever reads stderr: nothing was done."""
    command(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    done = task("boom")
    assert done.code == 1
    assert "BrokenPipeError" in done.err


BROKEN_COMMAND = """
import socket
import click
from task_core.api import CommandPlugin

@click.command()
def command():
    near, far = socket.socketpair()
    with near:
        far.close()
        near.send(b"x")

plugin = CommandPlugin(name="backup", summary="s", open=lambda: command)
"""


def test_a_broken_socket_of_a_plugins_command_is_told_with_whose_it_is(task, install):
    """As whatever else goes wrong in it."""
    install("command", "backup", BROKEN_COMMAND)
    done = task("backup")
    assert done.code == 3
    assert "task-command-backup" in done.err
    assert "running it failed: BrokenPipeError" in done.err


BROKEN_BUS = """
from task_core.api import Bus, BusPlugin, Capabilities, Producer

class Lines(Producer):
    def _send(self, messages):
        raise BrokenPipeError(32, "Broken pipe")

class Broken(Bus):
    def _producer(self):
        return Lines(self)

    def _subscribe(self, topic, channel, **how):
        raise NotImplementedError

plugin = BusPlugin(
    name="broken", summary="s", capabilities=Capabilities(),
    open=lambda options, context: Broken("broken", Capabilities()),
)
"""


def test_a_broken_pipe_of_a_bus_is_no_success_though_nobody_reads_stdout(folder):
    """A command that has claimed stdout is told by what it writes there."""
    site = folder / "site"
    metadata = site / "task_bus_broken-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: task-bus-broken\nVersion: 1\n")
    points = "[task_core.bus]\nbroken = broken_mod:plugin\n"
    (metadata / "entry_points.txt").write_text(points)
    (site / "broken_mod.py").write_text(BROKEN_BUS)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as gone:
        done = subprocess.run(
            [sys.executable, "-m", "task_core", "send", "a", "--bus", "broken"],
            env=os.environ
            | {"PYTHONPATH": f"{site}:{os.environ.get('PYTHONPATH', '')}"},
            stdout=gone,
            stderr=gone,
            check=False,
        )
    assert done.returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has one")
def test_an_error_that_nobody_can_read_keeps_its_exit_code():
    """A service manager does not start again what never works."""
    words = ("launch", "--worker", "nosuch")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "task_core", *words], stderr=full, check=False
        )
    assert done.returncode == 3


def test_a_reader_that_has_enough_is_no_error():
    """`task plugins list | head -1` ends quietly."""
    script = f"{sys.executable} -m task_core plugins list | head -1"
    done = subprocess.run(
        script, shell=True, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("KIND")
    assert done.stderr == ""
