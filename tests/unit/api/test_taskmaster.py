"""Rules of `task_core.api.taskmaster`."""

import pytest

from task_core.api.taskmaster import Taskmaster


def test_a_taskmaster_class_needs_run():
    """Forgetting it is told when the object is made."""
    with pytest.raises(TypeError, match="run"):
        type("Lazy", (Taskmaster,), {})()


def test_a_taskmaster_need_not_tell_anything():
    """The status page is then empty."""

    class Plain(Taskmaster):
        def run(self, ctx):
            pass

    assert Plain().info() == {}
