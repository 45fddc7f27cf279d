"""Loads hook plugins, if there are any."""

from importlib import import_module

from task_core.discovery.catalog import Catalog
from task_core.launcher.plan import Hooks, NoHooks


def load_hooks(catalog: Catalog) -> Hooks:
    """Return who listens; without hook plugins their engine is not even imported."""
    found = [plugin for plugin in catalog.found if plugin.kind == "hooks"]
    if not found:
        return NoHooks()
    relay: Hooks = import_module("task_core.discovery.relay").Relay.load(found)
    return relay
