"""Fifty phases for weeks, against what a calendar and a few loops say of them.

`WORKFLOW_DAYS=365` lets a year pass.
"""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flows import Flow, meta_of
from task_store import outbox
from task_taskmaster_workflow import timekeeper

from task_core.api import Task

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = int(os.environ.get("WORKFLOW_DAYS", "40"))
DOWN = range(10, 13)
"""Days in which nothing runs."""
MISSED = ("skip", "last", "all")
JOINS = [*((a, a + 2) for a in range(0, 18, 2)), (0, 18)]
STEP = 30
"""Days that pass before all that was sent is done at once."""


@pytest.fixture(autouse=True)
def rare_looks(monkeypatch):
    """Look at the clock when something fires, and hardly in between."""
    monkeypatch.setattr(timekeeper, "LOOK_EVERY", 6 * 3600.0)
    monkeypatch.setattr(outbox, "LONGEST", 6 * 3600.0)


def text():
    """Twenty roots, fifteen that follow one, ten joins, five batches."""
    parts = []
    for i in range(20):
        offset = 'offset = "-24h"\n' if i % 2 else ""
        parts.append(
            f'[[phase]]\ntask = "r{i}"\ncron = "0 {1 + i % 3} * * *"\n{offset}'
            f'missed = "{MISSED[i % 3]}"\nmeta = {{ k = "k{i}" }}\nretry = 1\n'
            'template = "{yyyy}{mm}{dd}"\n'
        )
    parts += [
        f'[[phase]]\ntask = "c{i}"\ndependsOn = "r{i}"\n'
        'template = "{yyyy}{mm}{dd}/{meta:k}"\n'
        for i in range(15)
    ]
    parts += [
        f'[[phase]]\ntask = "j{n}"\ndependsOn = ["r{a}", "r{b}"]\n'
        'join = "{yyyy}{mm}{dd}"\ntemplate = "{yyyy}{mm}{dd}"\n'
        for n, (a, b) in enumerate(JOINS)
    ]
    parts += [
        f'[[phase]]\ntask = "b{i}"\ndependsOn = "c{i}"\n'
        'batch = { meta = { s = ["x", "y"] } }\n'
        'template = "{yyyy}{mm}{dd}{meta:s}"\n'
        for i in range(5)
    ]
    return "".join(parts)


def oracle():
    """Return how often each task is sent, by type and info."""
    found = Counter()
    fired = {i: set() for i in range(20)}
    for day in range(DAYS):
        for i in range(20):
            made_up = MISSED[i % 3] == "all" or (i % 3 == 1 and day == DOWN[-1])
            if day not in DOWN or made_up:
                fired[i].add((START + timedelta(days=day - i % 2)).strftime("%Y%m%d"))
    for i, dates in fired.items():
        for date in dates:
            found[f"r{i}", date] += 2 if fails(i, date) else 1
            if i < 15:
                found[f"c{i}", f"{date}/k{i}"] += 1
            if i < 5:
                found[f"b{i}", f"{date}x"] += 1
                found[f"b{i}", f"{date}y"] += 1
    for n, (a, b) in enumerate(JOINS):
        for date in fired[a] & fired[b]:
            found[f"j{n}", date] += 1
    return found


def fails(root, date):
    """Whether the first attempt of a root fails."""
    return root == 0 and int(date) % 7 == 0


def work(task):
    """Do a task."""
    first = task.type == "r0" and "retry" not in meta_of(task)
    same = {key: getattr(task, key) for key in ("type", "job", "info", "id", "created")}
    result = "error" if first and fails(0, task.info) else "complete"
    return Task(**same, meta=task.meta, result=result)


def test_weeks_send_what_the_calendar_says(files):
    """With three days in which nothing ran, retries, joins and batches."""
    files.write(text())
    flow = Flow(files, START)
    sent = Counter()

    def until(day):
        """Let time pass until a day begins; all that is sent is done at once."""
        end = START + timedelta(days=day) - timedelta(hours=1)
        new = flow.pass_time(seconds=end.timestamp() - flow.clock.time())
        while new:
            sent.update((task.type, task.info) for task, _ in new)
            flow.follow(*(work(task) for task, _ in new))
            new = flow.pass_time(seconds=5)

    until(DOWN[0])
    back = START + timedelta(days=DOWN[-1] + 1) - timedelta(hours=1)
    flow.clock.advance(back.timestamp() - flow.clock.time())
    for day in (*range(DOWN[-1] + STEP, DAYS, STEP), DAYS):
        until(day)
    assert sent == oracle()
