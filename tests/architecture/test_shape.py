"""The rules that keep files and functions small, and everything public documented."""

import ast
import statistics

import pytest

from .source import FUNCTIONS, functions, modules

MODULES = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)


def length(function):
    return function.end_lineno - function.lineno + 1


def public(body):
    """Return the definitions that others may use, and those inside of their classes."""
    for node in body:
        if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def needs_docstring(node):
    """An overload is told about where it is implemented."""
    marks = {ast.unparse(mark) for mark in node.decorator_list}
    return not marks & {"overload", "typing.overload"}


@MODULES
def test_no_file_is_longer_than_300_lines(module):
    """A longer one does more than one thing."""
    assert len(module.lines) <= 300


@MODULES
def test_no_function_is_longer_than_60_lines(module):
    """Docstring and signature included."""
    long = {node.name: length(node) for node in functions(module) if length(node) > 60}
    assert not long


def test_functions_are_short():
    """Half of them have at most ten lines, all but a few at most 30."""
    lengths = sorted(length(node) for module in modules() for node in functions(module))
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 30


@MODULES
def test_everything_public_has_a_docstring(module):
    """Its first line says what it is for, and ends."""
    nodes = [module.tree, *filter(needs_docstring, public(module.tree.body))]
    for node in nodes:
        first, *rest = (ast.get_docstring(node) or "").split("\n")
        name = getattr(node, "name", module.name)
        assert first.endswith((".", "?")), f"{name}: {first!r}"
        assert not rest or not rest[0].strip(), f"{name}: a blank line comes second"


@MODULES
def test_class_names_are_nouns_that_say_something(module):
    """No Base, Manager, Helper or Util."""
    words = ("Base", "Manager", "Helper", "Util")
    classes = (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
    bad = [node.name for node in classes if node.name.endswith(words)]
    assert not bad
