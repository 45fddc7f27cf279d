"""Loads hook plugins, if there are any."""

from task_core.discovery.catalog import Catalog
from task_core.launcher.plan import Hooks, NoHooks


def load_hooks(catalog: Catalog) -> Hooks:
    """Return who listens; without hook plugins their engine is not even imported."""
    found = catalog.hooks
    if not found:
        return NoHooks()
    from task_core.discovery.hooks import Listeners

    return Listeners.load(found)
