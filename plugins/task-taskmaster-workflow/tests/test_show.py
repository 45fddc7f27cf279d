"""Rules of drawings: all phases, who follows whom, the infos of a date."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import attrs
import pytest
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.convert import convert
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.show import as_json, dot, mermaid, tree
from task_taskmaster_workflow.svg import svg

SHOP = """
[[phase]]
task = "export:orders"
cron = "30 5 * * *"
offset = "-24h"
template = "s3://shop/{day_slug}/orders.json"

[[phase]]
task = "export:items"
cron = "30 5 * * *"
template = "s3://shop/{day_slug}/items.json?<&>"

[[phase]]
task = "report"
dependsOn = ["export:orders", "export:items"]
join = "time"
batch = { meta = { shop = ["de", "fr"] } }
template = "?shop={meta:shop}&day={yyyy}-{mm}-{dd}&f={meta:file}"
"""
DAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def shop():
    workflow, file = read_workflow("shop.toml", SHOP)
    assert file.told() == []
    return workflow


def test_a_tree_shows_each_phase_below_its_parents(shop):
    """A phase of several parents is drawn once, and named again."""
    after = "[after all of export:orders, export:items of one time; batch of shop]"
    assert tree(shop).splitlines() == [
        "shop.toml",
        "├─ export:orders  [at 30 5 * * * UTC]",
        f"│  └─ report  {after}",
        "└─ export:items  [at 30 5 * * * UTC]",
        f"   └─ report  {after} (above)",
    ]


def test_a_date_fills_in_all_templates(shop):
    """What only a worker brings stays in braces."""
    drawn = tree(shop, DAY)
    assert "s3://shop/2026/01/05/orders.json" in drawn
    assert "?shop=de&day=2026-01-05&f={meta:file}" in drawn
    assert "?shop=fr&day=2026-01-05&f={meta:file}" in drawn


def test_mermaid_and_dot_have_each_edge(shop):
    """With what they need in quotes."""
    assert mermaid(shop).splitlines()[-2:] == ["    p0 --> p2", "    p1 --> p2"]
    assert "  p0 -> p2;" in dot(shop)
    assert "#lt;&>" in mermaid(shop, DAY)


def test_svg_is_well_formed_and_has_all_names(shop):
    """Its boxes do not overlap."""
    root = ET.fromstring(svg(shop, DAY))
    space = {"s": "http://www.w3.org/2000/svg"}
    texts = [it.text for it in root.iterfind(".//s:text", space)]
    assert {"export:orders", "export:items", "report"} <= set(texts)
    boxes = [(it.get("x"), it.get("y")) for it in root.iterfind(".//s:rect", space)]
    assert len(set(boxes)) == 3


def test_json_has_all_that_is_known(shop):
    """The next firings, and the tasks of a date, for programs."""
    facts = json.loads(as_json(shop, DAY, DAY))
    orders, _, report = facts["phases"]
    assert orders["next"][0] == "2026-01-05T05:30:00+00:00"
    assert orders["children"] == ["report"]
    assert len(report["tasks"]) == 2


FLOWLORD = """
timezone = "Europe/Berlin"
[[Phase]]
task = "task1"
rule = "cron=0 * * * *&offset=-4h&job=t2&retry_delay=10ms&no_alert=x"
retry = 3
template = "?date={yyyy}\\"{hh}"

[[Phase]]
task = "task2"
dependsOn = "task1:t2"
rule = "require={meta:file}&meta=a:1,2|b:x,y&for=-48h&by=hour"
"""


ZONES = """
timezone = "Asia/Tokyo"
[defaults]
retry = 2
missed_window = "2h"
[[phase]]
task = "load"
cron = ["CRON_TZ=Europe/Berlin 0 5 * * *", "TZ=America/New_York 0 5 * * *", "@daily"]
template = "{hh}"
overlap = "skip"
deadline = "90m"
[[phase]]
task = "load"
cron = "TZ=Asia/Tokyo 0 5 * * *"
timezone = "UTC"
missed = "all"
[[phase]]
task = "check:a"
dependsOn = ["load", "b"]
join = "{meta:shop}"
join_within = "1h"
on = ["warn", "complete"]
timezone = "Europe/Berlin"
keep = ["shop"]
meta = { x = "1" }
batch = { meta = { s = ["a", "b"], t = ["c"] }, product = true, max_tasks = 7 }
[[phase]]
task = "b"
manual = true
batch = { for = "-48h", by = "month", meta_file = "rows.csv" }
"""


@pytest.mark.parametrize("text", [SHOP, FLOWLORD, ZONES])
def test_what_is_converted_says_the_same(text):
    """And has nothing left of flowlord's spelling."""
    before, _ = read_workflow("w.toml", text)
    written = convert(before)
    after, file = read_workflow("w.toml", written)
    assert file.told() == []
    assert "rule" not in written
    assert before.zone == after.zone
    keys = [it.name for it in attrs.fields(Phase) if it.name != "line"]
    for one, other in zip(before.phases, after.phases, strict=True):
        for key in keys:
            idle = key == "missed_window" and not one.crons
            assert idle or getattr(one, key) == getattr(other, key), key


@pytest.mark.parametrize(
    "span", ["-4h", "10m", "40m", "1h10m", "100h", "1h0m10s", "10s"]
)
def test_a_duration_is_converted_to_as_few_words_as_it_needs(span):
    """Go writes `-4h0m0s`."""
    phase = f'[[phase]]\ntask = "a"\ncron = "@daily"\noffset = "{span}"\n'
    before, _ = read_workflow("w.toml", phase)
    assert f'offset = "{span}"' in convert(before)


def test_a_key_that_no_row_of_a_file_of_meta_has_is_told(tmp_path):
    """An info without its value would only be seen by who reads the done tasks."""
    rows = tmp_path / "shops.jsonl"
    rows.write_text('{"shop": "de"}\n{"shop": "fr", "mode": "full"}\n')
    text = f"""
[[phase]]
task = "load"
cron = "@daily"
batch = {{ meta_file = "{rows}" }}
template = "?shop={{meta:SHOP}}"
"""
    workflow, _ = read_workflow("shop.toml", text.replace("SHOP", "shp"))
    problem = f"! shop.toml load: no row of {rows} has 'shp', which template asks for"
    assert f"{problem}: did you mean 'shop'?" in tree(workflow, DAY)
    workflow, _ = read_workflow("shop.toml", text.replace("SHOP", "mode"))
    assert "! " not in tree(workflow, DAY)
    assert "?shop=full" in tree(workflow, DAY)
