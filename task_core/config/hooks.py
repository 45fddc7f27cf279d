"""The options of hooks: `[hooks.NAME]` and `TASK_HOOKS_NAME_…`."""

import os
from collections.abc import Mapping
from typing import Any

from task_core.config.resolve import Resolver
from task_core.config.sources import Section, Source, environment_layer
from task_core.errors import OptionError


def hook_options(
    plugin: Any, toml: Source, environment: Mapping[str, str] = os.environ
) -> Any:
    """Return the options object of a hook plugin.

    Args:
        plugin: Its manifest.
        toml: The configuration file.
        environment: The environment variables.

    Raises:
        OptionError: Something is wrong with them.
    """
    section = Section(options=plugin.options, table=("hooks", plugin.name))
    layers = [environment_layer(section, environment), toml.layer(section)]
    resolver = Resolver()
    options = resolver.resolve(section, layers)
    if resolver.problems:
        raise OptionError(resolver.problems)
    return options
