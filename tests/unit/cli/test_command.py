"""Rules of `task_core.cli.command`: options depend on who is selected."""

import pytest

from task_core.cli.main import cli


def section(text, title):
    """Return the lines of a section of a help text."""
    _, _, rest = text.partition(f"\n{title}:\n")
    return rest.partition("\n\n")[0]


def test_help_without_selection_shows_the_commands_own_options_only(task):
    """And says how to see the others."""
    text = task("launch", "--help").out
    assert "--concurrency" in section(text, "What runs")
    assert "--bus-" not in text
    assert "Select a worker or bus together with --help to see its options." in text


def test_help_shows_the_options_of_who_is_selected_in_their_own_section(task):
    """Wherever the word `--help` stands."""
    words = ("--help", "--worker", "nop", "--in-bus", "file", "--out-bus", "sqlite:x")
    text = task("launch", *words).out
    assert "--worker-dur" in section(text, "Options of worker nop")
    assert "--in-bus-follow" in section(text, "Options of in-bus file")
    assert "--out-bus-sync" in section(text, "Options of out-bus sqlite")


def test_help_shows_who_is_selected_by_the_environment(task, monkeypatch):
    """It is the help for what would run."""
    monkeypatch.setenv("TASK_LAUNCH_BUS", "sqlite")
    assert "Options of bus sqlite" in task("launch", "--help").out


def test_help_is_shown_whatever_is_wrong_with_who_is_selected(task, install):
    """Who asks for help shall get it."""
    install("bus", "broken", "import no_such_client")
    done = task("launch", "--bus", "broken", "--help")
    assert done.code == 0
    assert "--concurrency" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("send", "--bus", "no-such", "--", "hello", "-h"),
        ("send", "--bus", "no-such", "--topic", "-h", "hello"),
        ("send", "--bus", "file", "--config", "no.toml", "--bus-path", "--help", "a"),
    ],
    ids=["info", "topic", "plugin"],
)
def test_what_is_only_written_like_help_hides_no_mistake(task, words):
    """It is told as it always is."""
    done = task(*words)
    assert (done.code, done.out) in [(3, ""), (2, "")]
    assert done.err.startswith(("task: there is no bus 'no-such'", "task: cannot read"))


@pytest.mark.parametrize(
    ("words", "topic"),
    [(("hello", "--", "-h"), "hello"), (("hello", "x", "--topic", "-h"), "-h")],
)
def test_what_is_only_written_like_help_is_sent(task, folder, words, topic):
    """To the bus that is selected, wherever that stands."""
    done = task("send", "--bus", "file", *words)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert '"type":"hello"' in (folder / topic).read_text()


def test_options_of_others_are_not_there(task):
    """Two plugins can never clash."""
    done = task("send", "a", "b", "--bus-follow")
    assert done.code == 2
    assert "--bus-follow" in done.err


def test_selecting_and_telling_may_come_in_any_order(task, folder):
    """The plugin's flag may stand before its name."""
    done = task("send", "--bus-path", "x.json", "a", "b", "--bus", "file")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert '"info":"b"' in (folder / "x.json").read_text()


def test_one_run_does_not_know_what_another_selected(task):
    """Commands are made once, selections each time."""
    assert "Options of bus file" in task("tail", "--help", "--bus", "file").out
    assert "Options of bus" not in task("tail", "--help").out


@pytest.mark.parametrize("how", ["flag", "environment", "default"])
def test_the_toml_file_may_be_named_or_be_the_default(task, folder, monkeypatch, how):
    """`--config`, else `TASK_CONFIG`, else `task.toml`."""
    name = "task.toml" if how == "default" else "other.toml"
    (folder / name).write_text("[launch]\nbus = 'file:from-toml.json'\n")
    if how != "default":
        (folder / "task.toml").write_text("[launch]\nbus = 'file:wrong.json'\n")
    if how == "flag":
        monkeypatch.setenv("TASK_CONFIG", "no-such.toml")
    if how == "environment":
        monkeypatch.setenv("TASK_CONFIG", name)
    words = ("-C", name) if how == "flag" else ()
    assert task("send", "a", *words).code == 0
    assert (folder / "from-toml.json").exists()


def test_a_named_file_must_be_there(task, monkeypatch):
    """The default one need not."""
    assert "cannot read no.toml" in task("send", "a", "--config", "no.toml").err
    monkeypatch.setenv("TASK_CONFIG", "no.toml")
    assert "cannot read no.toml" in task("send", "a").err


def test_an_empty_variable_names_no_file(task, monkeypatch):
    """As every other variable, it counts as not set."""
    monkeypatch.setenv("TASK_CONFIG", "")
    assert task("send", "a").code == 0


def from_bus(path):
    """Write TOML for a bus that appends to a file."""
    return f"bus = 'file:{path}'\n"


@pytest.mark.parametrize(
    ("variables", "toml", "path"),
    [
        ({"TASK_BUS": "file:x"}, "", "x"),
        ({}, "[task]\n" + from_bus("x"), "x"),
        ({}, "[launch]\n" + from_bus("x"), "x"),
        ({}, "[task]\n" + from_bus("y") + "[send]\n" + from_bus("x"), "x"),
        ({"TASK_SEND_BUS": "file:x", "TASK_BUS": "file:y"}, "", "x"),
        ({"TASK_BUS": "file:x"}, "[send]\n" + from_bus("y"), "x"),
        ({"TASK_LAUNCH_BUS": "file:y"}, "[launch]\n" + from_bus("z"), "y"),
    ],
)
def test_the_bus_of_all_commands_is_set_in_one_place(
    task, folder, monkeypatch, variables, toml, path
):
    """A command's own is stronger, and the environment beats the file."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (folder / "task.toml").write_text(toml)
    done = task("send", "a")
    assert (done.code, done.err) == (0, "")
    assert [file.name for file in folder.iterdir() if file.name in "xyz"] == [path]


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[send]\nbsu = 'x'\n", "send has no option 'bsu': did you mean 'bus'?"),
        ("[task]\nbsu = 'x'\n", "task has no option 'bsu': did you mean 'bus'?"),
        ("[sned]\nbus = 'x'\n", "nothing reads [sned]: did you mean 'send'?"),
        ("bus = 'x'\n", "'bus' must be a table"),
        ("topic = 'x'\n", "nothing reads 'topic' outside of a table"),
    ],
)
def test_what_nobody_reads_in_the_file_is_a_mistake(task, folder, toml, complaint):
    """It would be overlooked for ever."""
    (folder / "task.toml").write_text(toml)
    done = task("send", "a")
    assert done.code == 2
    assert complaint in done.err.replace("bus must be", "'bus' must be")


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("TASK_BSU", ": did you mean 'TASK_BUS'?"),
        ("TASK_LOGLEVEL", ": did you mean 'TASK_LOG_LEVEL'?"),
        ("TASK_LANCH_WORKER", ": did you mean 'TASK_LAUNCH_WORKER'?"),
        ("TASK_BUSS", ": did you mean 'TASK_BUS'?"),
    ],
)
def test_a_variable_with_a_typing_error_is_a_mistake(task, monkeypatch, variable, hint):
    """What resembles nothing may be another program's."""
    monkeypatch.setenv("TASK_ID", "7")
    assert task("send", "a").code == 0
    monkeypatch.setenv(variable, "x")
    done = task("send", "a")
    assert (done.code, done.err) == (
        2,
        f"task: environment {variable}: nothing reads it{hint}\n",
    )


def test_a_variable_that_forgets_its_command_is_a_mistake(task, monkeypatch):
    """It names an option of this command; an empty one counts as not set."""
    monkeypatch.setenv("TASK_CONCURRENCY", "")
    assert task("launch", "-w", "echo").code == 0
    monkeypatch.setenv("TASK_CONCURRENCY", "3")
    done = task("launch", "-w", "echo")
    hint = "did you mean 'TASK_LAUNCH_CONCURRENCY'?"
    assert (done.code, done.err) == (
        2,
        f"task: environment TASK_CONCURRENCY: nothing reads it: {hint}\n",
    )


def test_nothing_runs_when_an_option_is_wrong(task, folder):
    """Not even what would not need it."""
    done = task("send", "a", "--bus", "file", "--bus-path", "x", "--bus-follow=1")
    assert done.code == 2
    assert not (folder / "x").exists()


def test_every_command_that_needs_a_bus_selects_it_in_one_way(task):
    """What one has learnt holds for the next."""
    for name in ("launch", "send", "tail", "topics"):
        command = cli.get_command(None, name)
        assert ["-b", "--bus"] in [param.opts for param in command.params], name
