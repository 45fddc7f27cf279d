"""What to tell somebody who asks for a plugin that is not there."""

import sys
from collections.abc import Sequence

from task_core.nearest import nearest

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


def unknown(kind: str, name: str, installed: Sequence[str]) -> str:
    """Say that there is no such plugin, what there is, and how to get it."""
    lines = [f"there is no {kind} '{name}'{nearest(name, installed)}"]
    lines.append(f"installed: {', '.join(installed) or 'none'}")
    if package := KNOWN.get((kind, name)):
        lines.append(f"to get it: {install_command(package)}")
    else:
        lines.append(f"looked in {sys.prefix}; 'task plugins list' shows all")
    if kind == "worker":
        lines.append("a worker may also be given as module:object or file.py:object")
    return "\n".join(lines)


def install_command(package: str) -> str:
    """Return the command that installs a package beside this framework."""
    if "/pipx/" in sys.prefix:
        return f"pipx inject task-framework {package}"
    if "/uv/tools/" in sys.prefix:
        return f"uv tool install task-framework --with {package}"
    return f"{sys.executable} -m pip install {package}"
