"""Writes distributions as pip would install them, to test what a broken one does."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent


def write_distribution(
    folder: Path,
    name: str,
    *,
    version: str = "1.0",
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
    modules: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
    editable: Path | None = None,
    layout: str = "dist-info",
    metadata: bool = True,
) -> Path:
    """Install a made-up distribution into a folder, to be put on `sys.path`.

    Args:
        folder: Where to; made if it is not there.
        name, version: Of the distribution.
        entry_points: By group, object by name: `{"task_core.bus": {"x": "mod:obj"}}`.
        modules: Source by dotted name; a name with a dot makes a package of its parent.
        requires: Its requirements, as in `pyproject.toml`.
        editable: Where the source is: the modules are written there, and a `.pth`
            file points at it. Remove it to get a stale install.
        layout: `dist-info` or `egg-info`.
        metadata: Whether name and version are written down; False leaves debris.

    Returns:
        The folder that holds the metadata.

    Example:
        >>> import tempfile
        >>> location = write_distribution(
        ...     Path(tempfile.mkdtemp()),
        ...     "task-worker-hi",
        ...     entry_points={"task_core.worker": {"hi": "hi:plugin"}},
        ...     modules={"hi": "plugin = None"},
        ... )
        >>> location.name
        'task_worker_hi-1.0.dist-info'
    """
    stem = name.replace("-", "_")
    location = folder / f"{stem}-{version}.{layout}"
    location.mkdir(parents=True, exist_ok=True)
    if metadata:
        _write_metadata(location, name, version, requires)
    groups = (entry_points or {}).items()
    lines = [line for group, names in groups for line in _section(group, names)]
    (location / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    if editable is not None:
        _point_at(location, editable, folder / f"__editable__.{stem}.pth")
    for module, source in (modules or {}).items():
        write_module(editable or folder, module, source)
    return location


def write_module(folder: Path, name: str, source: str) -> Path:
    """Write a module, and the packages that it is in.

    Args:
        folder: What its name is relative to.
        name: For example `task_bus_x.plugin`.
        source: Its text; common indentation is taken away.

    Returns:
        The file.
    """
    *packages, module = name.split(".")
    for package in packages:
        folder /= package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    file = folder / f"{module}.py"
    file.write_text(dedent(source), encoding="utf-8")
    return file


def _section(group: str, names: Mapping[str, str]) -> list[str]:
    return [f"[{group}]", *(f"{name} = {value}" for name, value in names.items()), ""]


def _write_metadata(
    location: Path, name: str, version: str, requires: Sequence[str]
) -> None:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    file = "METADATA" if location.suffix == ".dist-info" else "PKG-INFO"
    text = "\n".join([*lines, "", "A made-up distribution.", ""])
    (location / file).write_text(text, encoding="utf-8")


def _point_at(location: Path, source: Path, pth: Path) -> None:
    url = {"url": source.absolute().as_uri(), "dir_info": {"editable": True}}
    (location / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
    source.mkdir(parents=True, exist_ok=True)
    pth.write_text(f"{source}\n", encoding="utf-8")
