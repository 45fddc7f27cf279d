"""Rules of `task_core.config.sources.stray_variables`: nobody would miss them."""

import attrs
import pytest

from task_core.config.sources import Section, stray_variables
from task_core.options import option

TABLES = ("task", "launch", "tail", "dead", "hooks", "bus", "worker")


@attrs.frozen(kw_only=True)
class Options:
    """As `task launch` has them."""

    worker: str | None = option(None, help="Worker.")
    hooks: tuple[str, ...] = option((), help="Hooks.")
    topic: str | None = option(None, help="Topic.")
    dead_topic: str | None = option(None, help="Dead topic.")


LAUNCH = Section(options=Options, table=("launch",))
DEAD = Section(options=Options, table=("dead",))


def strays(section=LAUNCH, commands=(), **variables):
    """Return what is told of some variables."""
    return stray_variables(variables, TABLES, section, lambda: commands)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("TASK_TOPIC", "TASK_LAUNCH_TOPIC"),
        ("TASK_HOOKS", "TASK_LAUNCH_HOOKS"),
        ("TASK_WORKER", "TASK_LAUNCH_WORKER"),
        ("TASK_DEAD_TOPIC", "TASK_LAUNCH_DEAD_TOPIC"),
        ("TASK_TIAL_MAX", "TASK_TAIL_MAX"),
    ],
)
def test_a_variable_that_nobody_reads_is_told(variable, meant):
    """Also one that is called as a table: hooks that decide would not be asked."""
    hint = f"did you mean '{meant}'?"
    told = [f"environment {variable}: nothing reads it: {hint}"]
    assert strays(**{variable: "x"}) == told


@pytest.mark.parametrize(
    "variable", ["TASK_HOOKS_ONCE_PREFIX", "TASK_WORKER_NOP_DUR", "TASK_LAUNCH_TOPIC"]
)
def test_variables_of_tables_are_let_through(variable):
    """Whose they are tells of those."""
    assert strays(**{variable: "x"}) == []


def test_an_empty_variable_is_not_set():
    """As everywhere."""
    assert strays(TASK_HOOKS="", TASK_TOPIC="") == []


def test_what_the_section_tells_of_is_told_once():
    """`[dead]` has no option `topic`."""
    assert strays(DEAD, TASK_DEAD_TOPIC="x") == []


def test_variables_of_commands_of_plugins_are_let_through():
    """One may be called nearly as a table of ours: `task tails`."""
    assert strays(TASK_TAILS_MAX="x")
    assert strays(commands=["tails"], TASK_TAILS_MAX="x") == []
