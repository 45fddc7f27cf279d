"""The documents tell of everything that authors are offered, and of nothing else."""

import inspect
import re
from pathlib import Path

import pytest
import task_testing

import task_core
import task_core.api
from task_core.api.hooks import DECIDERS, HookSpecifications

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
HOOK_ROW = re.compile(r"^\| `(\w+\([\w, ]*\))` \|", re.MULTILINE)
PUBLIC = {
    name: getattr(module, name)
    for module in (task_core, task_core.api, task_testing)
    for name in module.__all__
}


def first_line(thing):
    return inspect.getdoc(thing).partition("\n")[0]


def call_of(name):
    """Return a hook as its table shows it: `task_started(task)`."""
    arguments = list(inspect.signature(getattr(HookSpecifications, name)).parameters)
    return f"{name}({', '.join(arguments[1:])})"


@pytest.mark.parametrize("name", PUBLIC)
def test_the_reference_says_what_the_docstring_says(name):
    """Of every public name: so it is complete, and never behind."""
    rows = dict(ROW.findall((DOCS / "reference.md").read_text()))
    assert rows.get(name) == first_line(PUBLIC[name])


def test_the_reference_knows_no_other_names():
    """One that is gone would be looked for."""
    rows = ROW.findall((DOCS / "reference.md").read_text())
    assert sorted(name for name, _ in rows) == sorted(PUBLIC)


def test_every_hook_is_told_about_with_its_arguments():
    """Observers first, then deciders."""
    observers, deciders = (DOCS / "hooks.md").read_text().split("## Deciders")
    names = [name for name in vars(HookSpecifications) if not name.startswith("_")]
    assert set(HOOK_ROW.findall(deciders)) == set(map(call_of, DECIDERS))
    assert set(HOOK_ROW.findall(observers)) == set(map(call_of, set(names) - DECIDERS))
