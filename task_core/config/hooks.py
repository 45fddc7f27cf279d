"""The options of hooks: `[hooks.NAME]` and `TASK_HOOKS_NAME_…`."""

import os
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from task_core.config.resolve import Resolver
from task_core.config.sources import Section, Source, environment_layer, neighbours
from task_core.errors import OptionError


def hook_options(
    plugin: Any,
    toml: Source,
    environment: Mapping[str, str] = os.environ,
    names: Collection[str] = (),
) -> Any:
    """Return the options object of a hook plugin.

    Args:
        plugin, toml, environment, names: As for `resolve_hooks`.

    Raises:
        OptionError: Something is wrong with them.
    """
    resolver = Resolver()
    options = resolve_hooks(resolver, plugin, toml, environment, names)
    if resolver.problems:
        raise OptionError(resolver.problems)
    return options


def resolve_hooks(
    resolver: Resolver,
    plugin: Any,
    toml: Source,
    environment: Mapping[str, str] = os.environ,
    names: Collection[str] = (),
) -> Any:
    """Return the options object of a hook plugin, or None when there are problems.

    Args:
        resolver: Gathers them.
        plugin: Its manifest.
        toml: The configuration file.
        environment: The environment variables.
        names: Of all hooks that are there: their variables may begin as its own.
    """
    table = ("hooks", plugin.name)
    section = Section(
        options=plugin.options, table=table, others=partial(neighbours, table, names)
    )
    layers = [environment_layer(section, environment), toml.layer(section)]
    return resolver.resolve(section, layers)
