"""A plugin that was found: known from metadata, not imported; if there may be any."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from typing import Any

import msgspec

KINDS = ("bus", "worker", "taskmaster", "hooks", "command")
IF_SET = "task_core.hooks_if_set"
"""Entry-point group of hooks that have nothing to do until something is set."""
GROUPS = {f"task_core.{kind}": kind for kind in KINDS} | {IF_SET: "hooks"}
"""Kinds by their entry-point groups."""
URL = re.compile(r"([a-z0-9][a-z0-9-]*):(.*)", re.DOTALL)
"""The name of a plugin and what it is to use; other names can begin no URL."""
CORE = "task-framework"
"""The distribution whose plugin names are reserved."""


class Found(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin that is installed, registered, or in a file, and not imported.

    Args:
        kind: One of `KINDS`.
        name: What to call it on the command line.
        value: Where its manifest is: `module:object`.
        distribution, version: Who brings it.
        location: The folder that holds the distribution's metadata.
        given: The file or module, as somebody named it, of what is not installed.
        manifest: The manifest itself, when it was registered in this process.
        if_set: Hooks that are at work only where something is set for them.
    """

    kind: str
    name: str
    value: str = ""
    distribution: str = ""
    version: str = ""
    location: str = ""
    given: str = ""
    manifest: Any = None
    if_set: bool = False

    @property
    def builtin(self) -> bool:
        """Whether it comes with the core."""
        return self.distribution == CORE

    @property
    def installed(self) -> bool:
        """Whether a distribution of somebody else brings it."""
        return bool(self.distribution) and not self.builtin

    @property
    def module(self) -> str:
        """The module that holds its manifest."""
        return self.value.partition(":")[0]

    @property
    def top(self) -> str:
        """The package that this module is in."""
        return self.module.partition(".")[0]

    @property
    def place(self) -> str:
        """The file or module, of what is not installed."""
        if self.given.endswith(".py"):
            return self.given
        file, mark, _ = self.given.partition(".py:")
        return f"{file}.py" if mark else self.given.rpartition(":")[0]

    @property
    def owner(self) -> str:
        """Who brings it, for messages."""
        if not self.distribution:
            return "this program"
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def label(self) -> str:
        """What it is and who brings it, for messages."""
        if self.given:
            return f"{self.kind} '{self.given}'"
        return f"{self.kind} '{self.name}' of {self.owner}"

    @property
    def full_label(self) -> str:
        """The same, with where it is."""
        if self.given or not self.value:
            return self.label
        return f"{self.label} ({self.value})"


def normalise(name: str) -> str:
    """Return a distribution's name as package indexes compare it.

    Example:
        >>> normalise("Task_Bus.nsq")
        'task-bus-nsq'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def mentions(path: Sequence[str], group: str, env: Mapping[str, str] = {}) -> bool:
    """Say whether a distribution may bring plugins of a group: no is certain.

    This is asked at each start, and costs a fifth of reading all metadata.

    Args:
        path: Folders as in `sys.path`.
        group: As `entry_points.txt` says it, for example `[task_core.hooks]`.
        env: Variables that hide some.
    """
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    if any(hasattr(finder, "find_distributions") for finder in others):
        return True
    return any(_mentions(folder or ".", group.encode(), env) for folder in path)


def _mentions(folder: str, group: bytes, env: Mapping[str, str]) -> bool:
    try:
        entries = os.listdir(folder)
    except OSError:  # a zip file may hold anything; others need not exist
        return os.path.isfile(folder)
    for entry in entries:
        if entry.lower().endswith((".dist-info", "egg-info")):
            try:
                place = os.path.join(folder, entry, "entry_points.txt")
                with open(place, "rb") as file:
                    found = group in file.read()
                if found and admitted(normalise(entry.partition("-")[0]), env):
                    return True
            except OSError:  # most bring none
                continue
    return False


def admitted(distribution: str, env: Mapping[str, str]) -> bool:
    """Whether the environment lets a distribution be seen."""
    wanted = env.get("TASK_PLUGINS", "")
    if wanted and distribution not in _distributions(wanted):
        return False
    return distribution not in _distributions(env.get("TASK_PLUGINS_DISABLED", ""))


def _distributions(text: str) -> list[str]:
    return [normalise(name.strip()) for name in text.split(",")]
