"""What makes tasks alike."""

import pytest
from task_hooks_once.key import LONGEST, key_of, lacking
from task_hooks_once.once import make
from task_hooks_once.options import OnceOptions

from task_core.api import Task, UsageError

TASK = Task(type="load", info="a.csv", job="day", id="7", meta="table=a&table=b&x=1")


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{type} {info}", "load a.csv"),
        ("{job}/{id}/{meta:table}", "day/7/a,b"),
        ("{meta:none}", ""),
        ("all", "all"),
    ],
)
def test_a_template_is_filled_with_what_the_task_says(template, key):
    """Several values of the meta are all of the key."""
    assert key_of(template, TASK) == key


def test_long_keys_are_cut_and_stay_different():
    """Stores limit them."""
    keys = {key_of("{info}", Task(type="t", info="x" * 999 + end)) for end in "ab"}
    assert len(keys) == 2
    assert {len(key) for key in keys} == {LONGEST}


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b", "a\0b" * 999])
def test_what_no_store_keeps_is_told_by_its_digest(odd):
    """Texts come from anybody, and a task with one would go round for ever."""
    key, other = (key_of("{info}", Task(type="t", info=it)) for it in (odd, odd + "c"))
    assert key.startswith("a?b")
    assert "\0" not in key
    assert key.encode()
    assert key != other
    assert len(key) <= LONGEST


def test_a_wrong_template_names_what_there_is():
    """When the options are read."""
    with pytest.raises(ValueError, match=r"there is no \{inf\}; there is \{type\}"):
        OnceOptions(key="{inf}")


def test_a_key_of_the_meta_must_be_there(tmp_path):
    """Tasks without it would all be alike, and be done once."""
    template = "{type} {meta:table} {meta:order}"
    assert lacking(template, TASK) == "order"
    assert lacking(template, Task(type="t", info="", meta="order=&table=x")) == ""
    store = f"sqlite://{tmp_path}/once.db"
    hooks = make(OnceOptions(types=("load",), key=template, store=store))
    outcome = hooks.task_should_run(task=TASK)
    assert (outcome.result, "no 'order'" in outcome.msg) == ("error", True)
    with pytest.raises(UsageError, match="no 'order'"):
        hooks.task_claim_send(task=TASK, topic="load", seconds=60.0)
