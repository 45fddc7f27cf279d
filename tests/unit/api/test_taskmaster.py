"""Rules of `task_core.api.taskmaster`."""

import pytest

from task_core.api.taskmaster import Taskmaster


def test_a_taskmaster_class_needs_run_or_loops():
    """Forgetting both is told when the object is made."""
    with pytest.raises(TypeError, match="Lazy does nothing: give it run, or loops"):
        type("Lazy", (Taskmaster,), {})()
    several = type("Several", (Taskmaster,), {"loops": lambda self: [print]})()
    assert several.loops() == [print]


def test_a_taskmaster_with_run_has_one_loop():
    """That is it."""
    one = type("One", (Taskmaster,), {"run": lambda self, ctx: None})()
    assert one.loops() == [one.run]


def test_a_taskmaster_need_not_tell_anything():
    """The status page is then empty."""

    class Plain(Taskmaster):
        def run(self, ctx):
            pass

    assert Plain().info() == {}
