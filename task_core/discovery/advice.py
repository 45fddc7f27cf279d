"""What to tell somebody who asks for a plugin that cannot be had."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from task_core.errors import nearest

if TYPE_CHECKING:
    from task_core.discovery.found import Found

KNOWN = {
    ("bus", "nsq"): "task-bus-nsq",
    ("bus", "kafka"): "task-bus-kafka",
    ("bus", "nats"): "task-bus-nats",
    ("bus", "redis"): "task-bus-redis",
    ("bus", "rabbitmq"): "task-bus-rabbitmq",
    ("bus", "sqs"): "task-bus-sqs",
    ("bus", "pubsub"): "task-bus-pubsub",
    ("taskmaster", "cron"): "task-taskmaster-cron",
}
"""Distributions of this project that bring a plugin, by kind and name."""


def unknown(
    kind: str, name: str, installed: Sequence[str], hidden: Sequence["Found"] = ()
) -> str:
    """Say that there is no such plugin, what there is, and how to get it.

    Args:
        kind, name: What was asked for.
        installed: The names of that kind that there are.
        hidden: The plugins of that name that the environment disables.
    """
    if hidden:
        return (
            f"{hidden[0].label} is disabled by TASK_PLUGINS or TASK_PLUGINS_DISABLED:"
            " change that variable"
        )
    lines = [f"there is no {kind} '{name}'{nearest(name, installed)}"]
    lines.append(f"installed: {', '.join(installed) or 'none'}")
    if package := KNOWN.get((kind, name)):
        lines.append(f"to get it: {install_command(package)}")
    lines.append(f"looked where {sys.executable} looks; 'task plugins list' shows all")
    if kind == "worker":
        lines.append("a worker may also be given as module:object or file.py:object")
    return "\n".join(lines)


def conflict(owners: Sequence["Found"]) -> str:
    """Say that several distributions claim one name, and how to choose."""
    kind, name = owners[0].kind, owners[0].name
    claims = " and ".join(found.owner for found in owners)
    reserved = " (built-in names are reserved)" if owners[0].builtin else ""
    return f"{kind} '{name}' is claimed by {claims}{reserved}: {choice(owners)}"


def choice(owners: Sequence["Found"]) -> str:
    """Say how to choose among those who claim one name."""
    strangers = [f.distribution for f in owners if f.distribution and not f.builtin]
    if not strangers:
        return "register one of them under another name"
    ways = [
        f"pip uninstall {strangers[-1]}",
        f"hide it with TASK_PLUGINS_DISABLED={strangers[-1]}",
    ]
    if owners[0].kind == "worker":
        ways.append(f"choose one by --worker {owners[-1].value}")
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def install_command(package: str, *flags: str) -> str:
    """Return the command that installs a package beside this framework.

    Args:
        package: The distribution.
        flags: For pip, for example `--upgrade`.
    """
    if "/pipx/" in sys.prefix:
        return f"pipx inject task-framework {package}"
    if "/uv/tools/" in sys.prefix:
        return f"uv tool install task-framework --with {package}"
    return " ".join(("pip install", *flags, package))
