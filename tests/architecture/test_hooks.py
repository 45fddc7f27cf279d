"""The hooks that authors are offered are those that the runtime knows."""

import pytest

from task_core.api.hooks import HookSpecifications

from .source import modules

HOOKS = [name for name in vars(HookSpecifications) if not name.startswith("_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_told_by_somebody(hook):
    """One that nobody tells would be waited for in vain."""
    tellers = ("task_core.launcher.", "task_core.discovery.claims")
    runtime = [m for m in modules() if m.name.startswith(tellers)]
    assert any(f'"{hook}"' in line for module in runtime for line in module.lines)
