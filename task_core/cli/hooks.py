"""Loads hook plugins, if there are any."""

from collections.abc import Sequence

from task_core.cli.stdout import diverted_stdout
from task_core.config.selection import Settings
from task_core.discovery.catalog import Catalog
from task_core.launcher.plan import Hooks, NoHooks


def load_hooks(
    catalog: Catalog, more: Sequence[str] = (), *, required: bool = False
) -> Hooks:
    """Return who listens; without hook plugins their engine is not even imported.

    Args:
        catalog: What is installed.
        more: Files, modules or names that are asked for: those must work.
        required: Whether those that are installed must work as well.

    Raises:
        FrameworkError: One that must work does not.
    """
    found = catalog.hooks
    given = [catalog.choose("hooks", text)[0] for text in more]
    if not (found or given):
        return NoHooks()
    from task_core.discovery.hooks import Listeners
    from task_core.discovery.loader import load

    with diverted_stdout():  # what a plugin prints when imported is no data
        listeners = Listeners.load(found, required=required)
        for plugin in given:
            if plugin not in found:
                listeners.add(plugin, load(plugin))
    return listeners


def hooks_of(settings: Settings) -> Hooks:
    """Return who listens to what a command does that has the options of hooks."""
    options = settings.command
    return load_hooks(settings.catalog, options.hooks, required=options.require_hooks)
