"""The scripts that run inside of the server, each with what all of them share."""

from functools import cache
from hashlib import sha1
from importlib.resources import files

import attrs


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
    parts = [(folder / f"{part}.lua").read_bytes() for part in ("put", name)]
    source = b"\n".join(parts)
    digest = sha1(source, usedforsecurity=False).hexdigest()
    return Script(source, digest.encode())
