"""Lets `task backload` say how far it came, however it ends."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import click
from task_store import InUseError, Store, StoreError
from task_store.plans import State

from task_core.api import shown
from task_taskmaster_workflow.backload_words import again
from task_taskmaster_workflow.sending import Progress, progress_of


def told(plan: str, done: Progress) -> str:
    """Return how far a plan came, for people."""
    if done.state == State.DONE:
        failed = f", {done.failed} failed" if done.failed else ""
        return f"plan {plan} done {done.done} of {done.total}{failed}"
    state = "sent" if done.state == State.SENT else f"is {done.state}: sent"
    return f"plan {plan} {state} {done.sent} of {done.total}"


@contextlib.contextmanager
def told_when_ended(
    store: Store, plan: str, words: Mapping[str, Any]
) -> Iterator[None]:
    """`with` it: what ends a send early does so with a word on how to go on.

    Args:
        store: Where the plan is.
        plan: Its id.
        words: What the command line says.
    """
    try:
        yield
    except InUseError:
        raise  # another process sends it
    except BaseException:
        with contextlib.suppress(StoreError):  # what ends it is what counts
            text = told(plan, progress_of(store, plan))
            text = f"{text}; go on with: {again(plan, words)}"
            click.echo(shown(text), err=True)
        raise
