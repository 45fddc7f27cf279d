"""Rules of `task_core.cli.command_defaults`: as for our own commands."""

import pytest

COMMAND = """
import click
from task_core.api import CommandPlugin

@click.group(invoke_without_command=True)
@click.option("--deep", is_flag=True)
@click.pass_context
def papers(ctx, deep):
    if ctx.invoked_subcommand is None:
        click.echo(f"deep={deep}")

class Word(click.ParamType):
    name = "word"

    def convert(self, value, param, ctx):
        return value.upper()

@papers.command("dry-run")
@click.option("--word", type=Word())
@click.argument("names", nargs=-1)
@click.option("--max-size", type=int, default=1)
@click.option("--json", "as_json", is_flag=True)
@click.option("--meta", multiple=True)
def dry_run(names, max_size, as_json, meta, word):
    click.echo(f"size={max_size} json={as_json} meta={','.join(meta)}")

plugin = CommandPlugin(name="papers", summary="F.", open=lambda: papers)
"""


NEAR = ": did you mean 'max_size'?"


@pytest.fixture
def papers(install):
    """A command with another one within it."""
    install("command", "papers", COMMAND)


@pytest.mark.parametrize("name", ["dry-run", "dry_run"])
def test_a_command_within_another_has_a_table_in_its_table(task, papers, folder, name):
    """As its variables are `TASK_PAPERS_DRY_RUN_…`."""
    text = f"[papers]\ndeep = true\n[papers.{name}]\nmax-size = 3\nmeta = ['a', 'b']\n"
    (folder / "task.toml").write_text(text)
    assert task("papers").out == "deep=True\n"
    assert task("papers", "dry-run").out == "size=3 json=False meta=a,b\n"


def test_the_environment_is_stronger_than_the_file(task, papers, folder, monkeypatch):
    """As for all options."""
    (folder / "task.toml").write_text("[papers.dry-run]\nmax_size = 3\n")
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_MAX_SIZE", "4")
    assert task("papers", "dry-run").out == "size=4 json=False meta=\n"


def test_an_option_is_called_as_its_flag_is(task, papers, folder, monkeypatch):
    """How Python calls the parameter, only its author knows."""
    (folder / "task.toml").write_text("[papers.dry-run]\njson = true\n")
    assert task("papers", "dry-run").out == "size=1 json=True meta=\n"
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_JSON", "no")
    assert task("papers", "dry-run").out == "size=1 json=False meta=\n"
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_META", "a b")
    assert task("papers", "dry-run").out == "size=1 json=False meta=a,b\n"
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_AS_JSON", "yes")
    assert "`task papers` has no such option" in task("papers", "dry-run").err


def test_the_variable_of_an_argument_is_no_option(task, papers, monkeypatch):
    """Nothing would read it."""
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_NAMES", "a")
    assert "`task papers` has no such option" in task("papers", "dry-run").err


def test_a_variable_that_the_author_has_chosen_is_read_as_well(
    task, install, monkeypatch
):
    """Ours is stronger."""
    own = COMMAND.replace('"--max-size",', '"--max-size", envvar="SIZE",')
    install("command", "papers", own)
    monkeypatch.setenv("SIZE", "3")
    assert task("papers", "dry-run").out == "size=3 json=False meta=\n"
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_MAX_SIZE", "4")
    assert task("papers", "dry-run").out == "size=4 json=False meta=\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("papers = 7\n", "line 1: papers must be a table"),
        ("[papers]\ndry-run = 7\n", "line 2: papers.dry-run must be a table"),
        (
            "[papers.dry-rum]\nmax_size = 3\n",
            "line 1: nothing reads [papers.dry-rum]: did you mean 'dry-run'?",
        ),
        (
            "[papers.dry-run]\nmax-sise = 3\n",
            f"line 2: `task papers dry-run` has no option 'max_sise'{NEAR}",
        ),
    ],
)
def test_what_nobody_reads_is_told(task, papers, folder, text, told):
    """The command would run with its defaults."""
    (folder / "task.toml").write_text(text)
    done = task("papers", "dry-run")
    assert (done.code, done.err) == (2, f"task: task.toml, {told}\n")


def test_other_tables_are_for_the_command_to_read(task, papers, folder):
    """`[up.NAME]` are launches."""
    (folder / "task.toml").write_text("[papers.my-launch]\nworker = 'echo'\n")
    assert task("papers").out == "deep=False\n"


def test_variables_of_a_longer_name_belong_to_another_command(
    task, papers, install, monkeypatch
):
    """`TASK_PAPERS_LIST_…` sets `papers-list`, where that is installed."""
    monkeypatch.setenv("TASK_PAPERS_LIST_MAX_SIZE", "3")
    told = "`task papers` has no such option"
    assert told in task("papers").err
    install("command", "papers-list", COMMAND.replace('"papers"', '"papers-list"'))
    assert task("papers").err == ""


def test_variables_of_a_command_that_begins_as_one_of_ours_are_let_through(
    task, install, monkeypatch
):
    """As `task send-all` would have them."""
    monkeypatch.setenv("TASK_SEND_ALL_MAX_SIZE", "3")
    assert "send has no option 'all_max_size'" in task("send", "a").err
    install("command", "send-all", COMMAND.replace('"papers"', '"send-all"'))
    assert task("send", "a").err == ""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("max-size = 'x'", "max_size (task.toml, line 3): not a whole number: 'x'"),
        ("max-size = [1]", "max_size (task.toml, line 3): a list is not wanted here"),
        ("json = ['yes']", "json (task.toml, line 3): a list is not wanted here"),
        ("meta = 'a=b'", "meta (task.toml, line 3): a list is wanted"),
        ("word = true", "word (task.toml, line 3): a boolean is not wanted here"),
        ("word = 5", "word (task.toml, line 3): this value is not wanted here"),
    ],
)
def test_a_wrong_value_in_the_file_is_told_with_its_line(
    task, papers, folder, line, text
):
    """No flag was given, and the plugin is not to blame."""
    (folder / "task.toml").write_text(f"[papers]\n[papers.dry-run]\n{line}\n")
    done = task("papers", "dry-run")
    assert done.code == 2
    assert done.err.splitlines()[0] == f"task: papers.dry-run.{text}"


def test_a_wrong_variable_is_told_by_its_name(task, papers, folder, monkeypatch):
    """A flag that overrides it makes it good."""
    monkeypatch.setenv("TASK_PAPERS_DRY_RUN_MAX_SIZE", "x")
    done = task("papers", "dry-run")
    assert done.code == 2
    text = "task: TASK_PAPERS_DRY_RUN_MAX_SIZE: not a whole number: 'x'"
    assert done.err.splitlines()[0] == text
    assert task("papers", "dry-run", "--max-size", "2").code == 0
    done = task("papers", "dry-run", "--max-size", "y")
    assert done.err.splitlines()[0] == "task: --max-size: not a whole number: 'y'"
