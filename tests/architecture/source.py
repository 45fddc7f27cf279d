"""The source of the package, as the tests of its architecture see it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "task_core"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path

    @property
    def name(self) -> str:
        """As in an import, for example `task_core.api.bus`."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Import:
    """One import of a module; `function` is where it hides, if it does."""

    importer: str
    target: str
    function: str = ""


@cache
def modules() -> tuple[Module, ...]:
    """Return all files of the package, by name."""
    return tuple(Module(path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def names() -> frozenset[str]:
    """Return the names of all modules."""
    return frozenset(module.name for module in modules())


@cache
def functions(module: Module) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    """Return every function and method of a module."""
    return tuple(node for node in ast.walk(module.tree) if isinstance(node, FUNCTIONS))


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Return every import statement of a module."""
    return tuple(_imports(module.name, module.tree, ""))


def _imports(importer: str, node: ast.AST, function: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(importer, alias.name, function)
        elif isinstance(child, ast.ImportFrom):
            for target in _sources(child):
                yield Import(importer, target, function)
        else:
            inside = child.name if isinstance(child, FUNCTIONS) else function
            yield from _imports(importer, child, inside)


def _sources(node: ast.ImportFrom) -> set[str]:
    """Return what `from … import …` loads: a package, or modules inside of it."""
    package = "." * node.level + (node.module or "")
    inside = {f"{package}.{alias.name}" for alias in node.names}
    return {name if name in names() else package for name in inside}


@cache
def late_imports(module: Module) -> tuple[Import, ...]:
    """Return every `import_module("…")` of a module that names what it loads."""
    return tuple(
        Import(module.name, node.args[0].value, function.name)
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("import_module")
        and isinstance(node.args[0], ast.Constant)
    )
