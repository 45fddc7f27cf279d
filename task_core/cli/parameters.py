"""Options of a section as click parameters, and their values back."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import click

from task_core.config.sources import Section
from task_core.fields import Field
from task_core.values import is_path

SHORT = {
    "worker": "-w",
    "bus": "-b",
    "topic": "-t",
    "concurrency": "-c",
    "instances": "-n",
    "log_level": "-l",
    "follow": "-f",
}
"""Short forms of flags without a prefix."""


class SectionOption(click.Option):
    """A flag that belongs to a section. Its value is a tuple of texts, empty if unset.

    Args:
        section, spec: Which option it is.
        attributes: As for `click.Option`.
    """

    def __init__(self, section: Section, spec: Field, **attributes: Any) -> None:
        self.section = section
        self.spec = spec
        flag = section.flag_of(spec)
        names = [flag, parameter_name(section, spec)]
        if not section.flag and spec.name in SHORT:
            names.insert(0, SHORT[spec.name])
        help_text = _help(spec)
        attributes.setdefault("shell_complete", _completer(spec))
        if spec.kind is bool:
            names[names.index(flag)] = f"{flag}/--no-{section.flag}{spec.dashed}"
            super().__init__(names, default=None, help=help_text, **attributes)
        else:
            super().__init__(
                names,
                multiple=True,
                type=click.UNPROCESSED,
                metavar=spec.metavar,
                help=help_text,
                **attributes,
            )


def _completer(spec: Field) -> Callable[..., list[Any]] | None:
    """Return what completes the values; what they mean is not for click to say."""
    if is_path(spec.kind):
        return click.Path().shell_complete
    if isinstance(spec.kind, type) and issubclass(spec.kind, Enum):
        return click.Choice([str(x.value) for x in spec.kind]).shell_complete
    return None


def parameter_name(section: Section, spec: Field) -> str:
    """Return the name under which click keeps an option's value."""
    return f"{section.flag}{spec.name}".replace("-", "_")


def _help(spec: Field) -> str:
    shown = "" if spec.required else spec.show(spec.default)
    if spec.required:
        return f"{spec.details.help}  [required]"
    if spec.kind is bool or not shown:
        return spec.details.help
    return f"{spec.details.help}  [default: {shown}]"


def flags_of(params: Mapping[str, Any], section: Section) -> dict[str, Sequence[str]]:
    """Return the texts that the command line gives, by option name."""
    flags: dict[str, Sequence[str]] = {}
    for spec in section.specs:
        value = params.get(parameter_name(section, spec))
        if isinstance(value, bool):
            flags[spec.name] = ["true" if value else "false"]
        elif value:
            flags[spec.name] = list(value)
    return flags
