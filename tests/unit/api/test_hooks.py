"""Rules of `task_core.api.hooks`."""

import inspect

import pluggy
import pytest

from task_core.api.hooks import DECIDERS, PROJECT, HookSpecifications, hookimpl

HOOKS = {
    name: function
    for name, function in vars(HookSpecifications).items()
    if not name.startswith("_")
}


def manager():
    made = pluggy.PluginManager(PROJECT)
    made.add_hookspecs(HookSpecifications)
    return made


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_whether_it_watches_or_decides(name):
    """In the first word of its docstring, as in the set of deciders."""
    kind = "Decider: " if name in DECIDERS else "Observer: "
    assert HOOKS[name].__doc__.startswith(kind)


@pytest.mark.parametrize("name", HOOKS)
def test_only_deciders_answer(name):
    """The first answer wins; what an observer returns is nobody's business."""
    first = getattr(manager().hook, name).spec.opts["firstresult"]
    assert first is (name in DECIDERS)
    answer = inspect.signature(HOOKS[name]).return_annotation
    assert (answer is None) is (name not in DECIDERS)


def test_an_implementation_may_take_fewer_arguments():
    """So that new ones can be added."""

    class Watcher:
        @hookimpl
        def task_should_run(self):
            return "no"

    made = manager()
    made.register(Watcher())
    assert made.hook.task_should_run(task=None) == "no"


def test_a_mistyped_hook_is_found():
    """It would never be called."""

    class Watcher:
        @hookimpl
        def task_finnished(self):
            pass

    made = manager()
    made.register(Watcher())
    with pytest.raises(pluggy.PluginValidationError, match="task_finnished"):
        made.check_pending()
