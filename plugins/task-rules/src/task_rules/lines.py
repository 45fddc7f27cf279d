"""Where in a TOML file each table and key stands.

The parser of the standard library does not tell. So the text is read a second time, for
headers and keys alone; that it is TOML is known by then.
"""

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys and places in lists: `("phase", 0, "cron")`."""
_PART = r"""(?:[\w-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_NAME = rf"(?P<name>{_PART}(?:[ \t]*\.[ \t]*{_PART})*)"
_HEADER = re.compile(rf"[ \t]*(?P<open>\[\[?)[ \t]*{_NAME}[ \t]*\]")
_KEY = re.compile(rf"[ \t]*{_NAME}[ \t]*=")
_PARTS = re.compile(_PART)
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|[\[\]{}\n]",
    re.DOTALL,
)


def find_lines(content: str) -> dict[Path, int]:
    """Return the line of each table and key of a TOML text; those in braces have none.

    Example:
        >>> find_lines("[[phase]]")
        {('phase',): 1, ('phase', 0): 1}
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for start, line in _statements(content):
        if header := _HEADER.match(content, start):
            table = _resolve(_parts(header["name"]), counts)
            if header["open"] == "[[":
                counts[table] = counts.get(table, -1) + 1
                found.setdefault(table, line)
                table = (*table, counts[table])
            found[table] = line
        elif key := _KEY.match(content, start):
            parts = _parts(key["name"])
            for end in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:end]), line)
    return found


def _statements(content: str) -> Iterator[tuple[int, int]]:
    """Yield where each line begins that is not inside of a value, and its number."""
    depth, line = 0, 1
    yield 0, line
    for token in _TOKEN.finditer(content):
        text = token[0]
        if text == "\n":
            line += 1
            if not depth:
                yield token.end(), line
        elif text in "[{":
            depth += 1
        elif text in "]}":
            depth -= 1
        else:
            line += text.count("\n")


def _parts(name: str) -> Path:
    return tuple(part.strip("\"'") for part in _PARTS.findall(name))


def _resolve(parts: Path, counts: dict[Path, int]) -> Path:
    """Return a header's path; in a list of tables it means the latest of them."""
    path: Path = ()
    for part in parts[:-1]:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    return (*path, parts[-1])
