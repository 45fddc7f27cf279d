"""The options of hooks: `[hooks.NAME]` and `TASK_HOOKS_NAME_…`."""

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from task_core.api.plugin import NoOptions
from task_core.config.resolve import Resolver
from task_core.config.sources import (
    Section,
    Source,
    environment_layer,
    variable_prefix,
)
from task_core.errors import OptionError

_ALL = Section(options=NoOptions, table=("hooks",))


class Configured(Collection[str]):
    """The hooks for which something is set.

    Args:
        toml: The configuration file.
        environment: The environment variables.
    """

    def __init__(
        self, toml: Source, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._tables = toml.layer(_ALL).unknown
        self._variables = environment_layer(_ALL, environment).unknown.values()

    def __contains__(self, name: object) -> bool:
        variable = f"environment {variable_prefix(('hooks', str(name)))}"
        return str(name).replace("-", "_") in self._tables or any(
            one.startswith(variable) for one in self._variables
        )

    def __iter__(self) -> Iterator[str]:
        return iter((*self._tables, *self._variables))

    def __len__(self) -> int:
        return len(self._tables) + len(self._variables)


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
