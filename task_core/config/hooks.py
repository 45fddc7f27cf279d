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
        plugin: Its manifest.
        toml: The configuration file.
        environment: The environment variables.
        names: Of all hooks that are there: their variables may begin as its own.

    Raises:
        OptionError: Something is wrong with them.
    """
    table = ("hooks", plugin.name)
    section = Section(
        options=plugin.options, table=table, others=partial(neighbours, table, names)
    )
    layers = [environment_layer(section, environment), toml.layer(section)]
    resolver = Resolver()
    options = resolver.resolve(section, layers)
    if resolver.problems:
        raise OptionError(resolver.problems)
    return options
