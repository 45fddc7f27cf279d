"""Who lists the files of a rule."""

from collections.abc import Mapping
from typing import Any

from task_taskmaster_files.listing import Lister
from task_taskmaster_files.local import LocalLister
from task_taskmaster_files.rule import Rule, Source


def make_lister(rule: Rule, storage: Mapping[str, Mapping[str, Any]]) -> Lister | None:
    """Return what lists the files of a rule; None when events tell them.

    Args:
        rule: The rule.
        storage: Protocol -> what fsspec takes to open it.

    Raises:
        OptionError: Nothing that is installed knows its storage.
    """
    if rule.source is Source.EVENTS:
        return None
    if rule.pattern.is_local:
        return LocalLister()
    # Few have storages, and their libraries take half a second.
    from task_taskmaster_files.remote import RemoteLister

    return RemoteLister(rule.pattern.text, storage.get(rule.pattern.protocol, {}))
