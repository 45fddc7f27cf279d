"""The scripts that run inside of the server, most with what they share before them."""

from functools import cache
from hashlib import sha1
from importlib.resources import files

import attrs

PARTS = {
    "one": ["one"],
    "subscribe": ["put", "drop", "subscribe"],
    "forget": ["put", "drop", "forget"],
}
"""The scripts that are not what all share, and one file more."""


@attrs.frozen
class Script:
    """A script.

    Args:
        source: In Lua.
        digest: What the server calls it.
    """

    source: bytes
    digest: bytes


@cache
def script(name: str) -> Script:
    """Return a script by the name of its file."""
    folder = files("task_bus_redis") / "lua"
    names = PARTS.get(name, ["put", name])
    parts = [(folder / f"{part}.lua").read_bytes() for part in names]
    source = b"\n".join(parts)
    digest = sha1(source, usedforsecurity=False).hexdigest()
    return Script(source, digest.encode())
