"""The stand-in is read from the bottom up: no module of it needs one that needs it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = "brokers.nsqd_stand_in"
FILES = sorted((Path(__file__).parents[1] / "nsqd_stand_in").glob("*.py"))


def needed(file):
    """Return the modules of the package that one imports, for types too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(PACKAGE):
            if node.module == PACKAGE:
                yield from (alias.name for alias in node.names)
            else:
                yield node.module.removeprefix(f"{PACKAGE}.")


def test_no_circle_of_imports():
    modules = {file.stem: set(needed(file)) for file in FILES}
    assert len(modules) > 10
    assert list(TopologicalSorter(modules).static_order())
