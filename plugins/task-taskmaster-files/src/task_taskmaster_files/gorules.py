"""Rules as Go's taskmaster `files` has them, told in our words."""

from collections.abc import Mapping
from typing import Any

_KEYS = {"src_pattern": "files", "info_template": "template"}
_CHECKS = {"cron_check": "at", "count_check": "count"}


def in_our_words(rules: Any) -> None:
    """Give rules with the keys of Go's taskmaster ours, in place.

    Its rules are about events alone, and its groups about folders.

    Args:
        rules: What TOML says of them; what is no table is left alone.
    """
    for values in rules if isinstance(rules, list) else ():
        if isinstance(values, dict) and "src_pattern" in values:
            translated = _translated(values)
            values.clear()
            values.update(translated)


def _translated(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"source": "events"}
    group: dict[str, Any] = {}
    for key, value in values.items():
        if key in _CHECKS:
            if value:  # Go takes nothing and 0 for none
                group[_CHECKS[key]] = value
        elif value or key not in _KEYS:
            found[_KEYS.get(key, key)] = value
    if group:
        found["group"] = {"by": "dir", **group}
        found.setdefault("template", "{dir}")
    return found
