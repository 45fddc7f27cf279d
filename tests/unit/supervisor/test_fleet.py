"""Processes that are kept running are told to stop together."""

import signal
from types import SimpleNamespace

import pytest

from task_core.supervisor.fleet import Fleet


@pytest.fixture
def fleet():
    """`fleet(leashed=…)` returns one of one process, and what that is asked for."""
    asked = []

    def make(**settings):
        child = SimpleNamespace(
            ended=False,
            stop=lambda: asked.append("stop"),
            hurry=lambda: asked.append("hurry"),
            kill=lambda: asked.append("kill"),
        )
        return Fleet([child], lambda text: None, **settings), asked

    return make


def test_a_second_signal_hurries_and_a_third_one_kills(fleet):
    """Of a person, whichever they are."""
    one, asked = fleet()
    one._heard(bytes([signal.SIGTERM] * 3))
    assert asked == ["stop", "hurry", "kill"]


def test_of_a_supervisor_two_signals_of_one_kind_are_one(fleet):
    """The system may send the first one to us as well as to it, which passes it on."""
    one, asked = fleet(leashed=True)
    one._heard(bytes([signal.SIGTERM, signal.SIGTERM, signal.SIGINT]))
    assert asked == ["stop", "hurry"]
    assert one.signals == [signal.SIGTERM, signal.SIGINT]
