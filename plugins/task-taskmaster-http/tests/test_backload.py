"""Rules of `POST /backload`: flowlord's JSON, a dry run first."""

import sys

import pytest

from task_core.api import OptionError

PHASES = """
[[phase]]
task = "load:daily"
cron = "0 5 * * *"
template = "/data/{yyyy}{mm}{dd}.csv"
"""
WEEK = {"Task": "load:daily", "from": "2026-01-01", "to": "2026-01-03"}


@pytest.fixture
def offered(service, tmp_path):
    place = tmp_path / "flows"
    place.mkdir()
    (place / "shop.toml").write_text(PHASES)
    return service.start(workflows=place)


def test_a_request_is_planned_and_nothing_is_sent(offered):
    """Its phase gives the template; what was assumed is told."""
    status, _, told = offered.call("/backload", WEEK)
    assert status == 200
    assert told["Status"].startswith("DRY RUN ONLY: phase found in shop.toml")
    assert told["Count"] == 3
    infos = [task["info"] for task in told["Tasks"]]
    assert infos == [f"/data/2026010{day}.csv" for day in (1, 2, 3)]
    assert offered.sent() == []


def test_it_is_sent_when_it_says_so_and_once_for_a_key(offered):
    """The answer comes when the bus has confirmed all; the tasks are those told."""
    body = {**WEEK, "execute": True}
    status, _, told = offered.call("/backload", body, Idempotency_Key="week 1")
    assert (status, told["Count"]) == (202, 3)
    assert told["Status"].startswith("Executed: ")
    sent = offered.sent()
    assert [task.id for task in sent] == [task["id"] for task in told["Tasks"]]
    assert {task.job for task in sent} == {"daily"}


def test_it_is_known_again_though_its_tasks_would_be_others_now(offered, tmp_path):
    """Its template draws anew, or its file has more rows: the first answer counts."""
    rows = tmp_path / "flows" / "shops.csv"
    rows.write_text("shop\nde\nfr\n")
    body = {"task": "load", "template": "{uuid}/{meta:shop}", "at": "2026-01-01"}
    body |= {"meta-file": str(rows), "execute": True}
    key = {"Idempotency_Key": "shops"}
    first = offered.call("/backload", body, **key)
    for text in ("shop\nde\nfr\n", "shop\nde\nfr\nit\n", "shop\nde\n"):
        rows.write_text(text)
        second = offered.call("/backload", dict(reversed(body.items())), **key)
        assert (second[0], second[2]) == (first[0], first[2])
    assert [it.info for it in offered.sent()] == [
        it["info"] for it in first[2]["Tasks"]
    ]
    status, _, told = offered.call("/backload", {**body, "at": "2026-01-02"}, **key)
    assert (status, offered.sent()) == (422, [])
    assert told["error"].startswith("this Idempotency-Key was used for other tasks")


def test_a_backload_without_tasks_is_answered_under_a_key_as_well(offered, tmp_path):
    """There is nothing to send, and nothing to keep."""
    rows = tmp_path / "flows" / "none.csv"
    rows.write_text("shop\n")
    body = {"task": "load", "template": "{meta:shop}", "at": "2026-01-01"}
    body |= {"meta-file": str(rows), "execute": True}
    for _ in range(2):
        status, _, told = offered.call("/backload", body, Idempotency_Key="none")
        assert (status, told["Count"]) == (202, 0)


def test_programs_are_told_that_it_is_there(offered):
    """Only where it is."""
    assert "/backload" in offered.call("/openapi.json", method="GET")[2]["paths"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"[]", 400, "this is no JSON object: "),
        ({}, 422, "task is missing: it is type or type:job"),
        ({"task": "load:dayly"}, 422, "no template found for load:dayly"),
        ({**WEEK, "from": "yesterday"}, 422, "from "),
        ({**WEEK, "by": "fortnight"}, 422, "by "),
        ({**WEEK, "meta-file": "a\0b"}, 422, "meta-file has a NUL character, which"),
        ({**WEEK, "tsak": "x"}, 422, "unknown key 'tsak'"),
        (
            {**WEEK, "to": "2036-01-01"},
            422,
            "tasks, but at most 1000 are planned: ask for fewer, or",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_sent(offered, body, status, text):
    """No date is taken for now, no step for a day."""
    found, _, told = offered.call("/backload", body)
    assert found == status
    assert text in told["error"]
    assert offered.sent() == []


def test_dates_that_are_too_many_are_not_even_made(offered, tmp_path, monkeypatch):
    """A few bytes must not cost a core for seconds; a file without rows hides none."""
    from task_taskmaster_workflow import backload

    rows = tmp_path / "flows" / "none.csv"
    rows.write_text("shop\n")
    monkeypatch.setattr(backload, "dates", None)
    body = {**WEEK, "from": "0001-01-01", "to": "9999-12-31", "by": "hour"}
    for more in ({}, {"meta-file": str(rows)}):
        status, _, told = offered.call("/backload", {**body, **more})
        assert status == 422
        assert told["error"].startswith("87649393 tasks, but at most 1000 are planned")


def test_a_file_of_meta_lies_beside_the_phases(offered, tmp_path):
    """The answer tells what is in it: no other file of the machine is read."""
    inside, outside = tmp_path / "flows" / "shops.csv", tmp_path / "secret.csv"
    link = tmp_path / "flows" / "link.csv"
    link.symlink_to(outside)
    for path in (inside, outside):
        path.write_text("shop\nde\n")
    body = {"task": "load", "template": "{meta:shop}", "at": "2026-01-01"}
    _, _, told = offered.call("/backload", {**body, "meta-file": str(inside)})
    assert [task["info"] for task in told["Tasks"]] == ["de"]
    other = tmp_path / "flows" / ".." / "none.csv"
    for path in (outside, link, other, "/etc/passwd"):
        status, _, told = offered.call("/backload", {**body, "meta-file": str(path)})
        assert status == 403
        assert told["error"].endswith("--taskmaster-workflows: put it there")


def test_a_file_that_gets_worse_keeps_what_it_said(offered, tmp_path):
    """And one that gets better counts at once."""
    place = tmp_path / "flows" / "shop.toml"
    place.write_text("[[phase")
    assert offered.call("/backload", WEEK)[2]["Count"] == 3
    place.write_text(PHASES.replace("/data/", "/new/"))
    assert offered.call("/backload", WEEK)[2]["Tasks"][0]["info"].startswith("/new/")


def test_a_place_without_the_planner_says_what_to_install(
    service, monkeypatch, tmp_path
):
    """The planner is of another distribution."""
    monkeypatch.delitem(sys.modules, "task_taskmaster_http.backloads", raising=False)
    monkeypatch.setitem(sys.modules, "task_taskmaster_workflow.backload", None)
    (tmp_path / "shop.toml").write_text(PHASES)
    with pytest.raises(AssertionError):
        service.start(workflows=tmp_path / "shop.toml")
    (error,) = service.errors
    assert isinstance(error, OptionError)
    assert "pip install 'task-taskmaster-http[workflow]'" in str(error)
