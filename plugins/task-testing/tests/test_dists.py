"""Rules of `task_testing.dists`."""

import importlib.metadata
import sys

import pytest
from task_testing.dists import write_distribution, write_module


@pytest.mark.parametrize("layout", ["dist-info", "egg-info"])
def test_the_standard_reads_what_it_writes(tmp_path, layout):
    """Name, version, requirements and entry points."""
    write_distribution(
        tmp_path,
        "task-bus-x",
        version="1.2",
        entry_points={"task_core.bus": {"x": "m:o"}},
        requires=["attrs>=23"],
        layout=layout,
    )
    [written] = importlib.metadata.distributions(path=[str(tmp_path)])
    assert (written.metadata["Name"], written.version) == ("task-bus-x", "1.2")
    assert [(e.group, e.name, e.value) for e in written.entry_points] == [
        ("task_core.bus", "x", "m:o")
    ]
    assert written.metadata.get_all("Requires-Dist") == ["attrs>=23"]


def test_packages_are_made_for_dotted_names(tmp_path, monkeypatch):
    """So that they can be imported."""
    write_module(tmp_path, "made_up_package.inner.leaf", "    x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert __import__("made_up_package.inner.leaf").inner.leaf.x == 1
    for name in [n for n in sys.modules if n.startswith("made_up_package")]:
        del sys.modules[name]


def test_an_editable_install_points_at_its_source(tmp_path):
    """And its modules are there, not here."""
    source = tmp_path / "src"
    location = write_distribution(
        tmp_path / "site", "task-bus-x", modules={"m": ""}, editable=source
    )
    assert source.as_uri() in (location / "direct_url.json").read_text()
    assert (source / "m.py").exists()
    assert not (tmp_path / "site" / "m.py").exists()
