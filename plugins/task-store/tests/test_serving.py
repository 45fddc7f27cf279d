"""A store that is away is waited for: before a start, in a loop, and at a stop."""

import logging
from types import SimpleNamespace

import pytest
from task_store import StoreAwayError, StoreError, open_store

NOBODY = "postgresql://127.0.0.1:1/tasks?timeout=1"


@pytest.fixture
def ctx():
    return SimpleNamespace(stopping=True, log=logging.getLogger("test"))


def leave(store, ctx):
    with store.serving(ctx, "the next one goes on"):
        raise StoreAwayError("the store is away")


def test_a_place_that_does_not_answer_is_no_mistake():
    """It may come later."""
    open_store(NOBODY).check_place()


def test_a_place_that_can_be_no_store_is_a_mistake(tmp_path):
    """Waiting would not help."""
    with pytest.raises(StoreError, match=str(tmp_path)):
        open_store(str(tmp_path)).check_place()


def test_a_stop_while_it_is_away_is_told_and_no_error(ctx, caplog, tmp_path):
    """What was in work comes again."""
    leave(open_store(str(tmp_path / "store.db")), ctx)
    assert caplog.messages == ["the store is away; the next one goes on"]


def test_without_a_stop_it_is_an_error(ctx, tmp_path):
    """Whoever does not insist must hear of it."""
    ctx.stopping = False
    with pytest.raises(StoreAwayError):
        leave(open_store(str(tmp_path / "store.db")), ctx)
