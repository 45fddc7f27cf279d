"""The documents tell of everything that authors are offered, and of nothing else."""

import inspect
import re
from pathlib import Path

import pytest
import task_testing

import task_core
import task_core.api
from task_core.api import Bus, Consumer, Producer
from task_core.api.hooks import DECIDERS, HookSpecifications

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
HOOK_ROW = re.compile(r"^\| `(\w+\([\w, ]*\))` \|", re.MULTILINE)
BUS_HOOK = re.compile(r"`(\w+)\.(_\w+)(\([\w, *]*\))`")
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


CALLED_BY_OTHERS = {"_kept"}
"""Hooks that have no public method of their name: this one is for `subscribe`."""


def test_every_hook_of_a_bus_is_told_about_with_its_arguments():
    """`help` hides them: an author sees them in the table, or nowhere."""
    _, _, text = (DOCS / "buses.md").read_text().partition("| hook | with the cap")
    told = {(owner, name): call for owner, name, call in BUS_HOOK.findall(text)}
    assert told == {
        (part.__name__, name): f"({', '.join(_arguments(hook))})"
        for part in (Bus, Consumer, Producer)
        for name, hook in vars(part).items()
        if name[0] == "_" and inspect.isfunction(hook)
        if hasattr(part, name[1:]) or name in CALLED_BY_OTHERS
    }


def _arguments(hook):
    """Return its parameters as a call shows them, those after a star by name."""
    found = list(inspect.signature(hook).parameters.values())[1:]
    named = [it.name for it in found if it.kind is it.KEYWORD_ONLY]
    plain = [it.name for it in found if it.kind is not it.KEYWORD_ONLY]
    return [*plain, *(["*", *named] if named else [])]
