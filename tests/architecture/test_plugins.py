"""First-party plugins live by the rules that they teach to others."""

import ast
from functools import cache
from pathlib import Path

import pytest

from .source import ROOT

PACKAGES = sorted(
    path
    for path in ROOT.glob("plugins/*/src/*")
    if path.is_dir() and (path / "__init__.py").exists()
)
PLUGINS = pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
MAY_ALSO_IMPORT = {
    # the harness runs workers as a program does: through what `task_core` itself offers
    "task_testing": {"task_core"},
    # these send, as programs do
    "task_django": {"task_core"},
    "task_starlette": {"task_core", "task_core.client.aio"},
}


@cache
def modules(package: Path) -> dict[str, ast.Module]:
    """Return the modules of a package, parsed, by name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def targets(tree: ast.Module) -> set[str]:
    """Return what a module imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@PLUGINS
def test_a_plugin_imports_nothing_of_the_core_but_its_api(package):
    """What it misses there is missed by everybody who writes a plugin."""
    allowed = {"task_core.api", *MAY_ALSO_IMPORT.get(package.name, ())}
    for name, tree in modules(package).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "task_core"
            ):
                assert node.module in allowed, f"{name} imports {node.module}"
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
                assert "task_core" not in names, name


@pytest.mark.parametrize(
    "package", [*PACKAGES, ROOT / "task_core"], ids=lambda path: path.name
)
def test_modules_import_each_other_in_one_direction(package):
    """A circle is read from nowhere; hidden imports count."""
    trees = modules(package)
    surfaces = {name for name in trees if any(x.startswith(f"{name}.") for x in trees)}
    below = {
        name: {other for other in targets(tree) if other in trees} - {name} - surfaces
        for name, tree in trees.items()
        if name not in surfaces
    }
    while leaves := {name for name, others in below.items() if not others}:
        below = {
            name: others - leaves
            for name, others in below.items()
            if name not in leaves
        }
    assert not below, f"a circle: {', '.join(sorted(below))}"


@PLUGINS
def test_no_file_of_a_plugin_is_longer_than_300_lines(package):
    """As in the core."""
    for path in package.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


@PLUGINS
def test_late_imports_of_plugins_are_typed(package):
    """`import_module` hides from the type checker, and from these rules."""
    for name, tree in modules(package).items():
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        calls = [ast.unparse(node.func) for node in nodes]
        assert not any(call.endswith("import_module") for call in calls), name
