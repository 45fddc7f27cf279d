"""Marker files: another file says that a file, or a whole folder, is finished."""

import re
from collections.abc import Mapping
from typing import Any


class Marker:
    """Where the marker of each file is; it must be in the same folder.

    Args:
        text: `{file}.done`, `{dir}/_SUCCESS`, or the like; a name alone is one in the
            file's folder. `{stem}` is a file's name without its last suffix.

    Raises:
        ValueError: It may be in another folder; the text fits behind its key.
    """

    def __init__(self, text: str) -> None:
        name = text.removeprefix("{dir}/")
        name = (
            f"{{name}}{name.removeprefix('{file}')}" if name[:6] == "{file}" else name
        )
        if "/" in name or not name or re.search(r"\{(?!name\}|stem\})", name):
            raise ValueError(
                "names a file in the folder of the other, as {file}.done or"
                f" {{dir}}/_SUCCESS, not {text!r}"
            )
        self._name = name

    def of(self, name: str) -> str:
        """Return the name of the marker of a file."""
        stem = name.rpartition(".")[0] or name
        return self._name.replace("{stem}", stem).replace("{name}", name)

    def pattern(self) -> str:
        """Return a pattern for the names of markers: they are no files to tell."""
        return self._name.replace("{stem}", "*").replace("{name}", "*")

    def says_done(self, name: str, times: Mapping[str, Any]) -> bool:
        """Whether the marker of a file is there, and not older than the file.

        A marker that was left from an earlier version says nothing about this one.
        Both times come from one listing, and so from one clock.

        Args:
            name: Of the file.
            times: When each name of the folder was written.
        """
        marker = self.of(name)
        if marker not in times:
            return False
        made, written = times[marker], times.get(name)
        return made is None or written is None or made >= written
