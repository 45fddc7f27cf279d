"""Runs `task launch` over a pipe and tells where one task passes: a program.

Prints the files whose functions were given the task, or gave it, and the classes that
kept it in an attribute, as JSON.
"""

import json
import sys
import threading
from collections import deque
from pathlib import Path

import msgspec

MARK = "walk-in-the-house"
PACKAGE = Path(__file__).parents[2] / "task_core"
FILES, CONTAINERS = set(), set()
SEVERAL = (list, tuple, set, frozenset, deque)


def carries(value, depth=4):
    """Whether a value is the task in one of its shapes, or holds it."""
    if isinstance(value, bytes):
        return MARK.encode() in value
    if isinstance(value, str):
        return MARK in value
    if depth and isinstance(value, msgspec.Struct):
        fields = value.__struct_fields__
        return any(carries(getattr(value, name, None), depth - 1) for name in fields)
    if depth and isinstance(value, SEVERAL):
        return any(carries(one, depth - 1) for one in list(value)[:10])
    return False


def look(frame, event, result):
    """Note a call or return in the package, if the task takes part."""
    code = frame.f_code
    if event not in ("call", "return") or str(PACKAGE) not in code.co_filename:
        return
    if "/cli/" in code.co_filename:  # it starts the launcher, and waits
        return
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:count]
    given = [frame.f_locals.get(name) for name in names if name != "self"]
    if any(map(carries, given)) or (event == "return" and carries(result)):
        FILES.add(Path(code.co_filename).relative_to(PACKAGE).as_posix())
    owner = frame.f_locals.get("self")
    if owner is not None and not isinstance(owner, msgspec.Struct):
        kept = list(getattr(owner, "__dict__", {}).values())
        kept += [getattr(owner, name, None) for name in _slots(owner)]
        if any(map(carries, kept)):
            CONTAINERS.add(type(owner).__name__)


def _slots(owner):
    return getattr(type(owner), "__slots__", ())


def main():
    """Run."""
    from task_core.cli.main import main as run

    threading.setprofile(look)
    try:
        run(["launch", "--worker", sys.argv[1], "-l", "error"])
    finally:
        threading.setprofile(None)
        ours = (name for name in sys.modules if name.partition(".")[0] == "task_core")
        facts = {
            "files": sorted(FILES),
            "containers": sorted(CONTAINERS),
            "modules": sorted(ours),
        }
        sys.stderr.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
