"""Flags as Go programs take them: `-name value`, `--name=value`, `--switch`."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|ms|s|m|h)")
_TRUE = ("1", "t", "true")
_FALSE = ("0", "f", "false")

Kind = Callable[[str], Any]
Known = Mapping[str, tuple[Kind, Any]]
"""Flags by name: how to read a value, and the value when there is none."""


def duration(text: str) -> float:
    """Read a duration like `1m30s` or `100ms`: seconds."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def switch(text: str) -> bool:
    """Read what a flag that needs no value may be given."""
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE


def tls_required(text: str) -> str:
    """Read whether clients must use TLS: `true`, `false` or `tcp-https`."""
    if text.lower() == "tcp-https":
        return "tcp-https"
    return "true" if switch(text) else "false"


def several(text: str) -> list[str]:
    """Read one value of a flag that may be given several times."""
    return [text]


SWITCHES = (switch, tls_required)


def parse(program: str, known: Known, words: Sequence[str]) -> SimpleNamespace:
    """Return what was asked for, by names with underscores.

    A flag that is unknown or badly written ends the program, as in Go: a line that
    says which, and status 2.
    """
    found = {name: default for name, (_, default) in known.items()}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in {"-", "--"}:
        name, value = _next(program, known, rest)
        kind = known[name][0]
        found[name] = found[name] + value if kind is several else value
    return SimpleNamespace(**{key.replace("-", "_"): it for key, it in found.items()})


def _next(program: str, known: Known, rest: list[str]) -> tuple[str, Any]:
    """Take one flag and its value off the rest."""
    word = rest.pop(0)
    name, equals, text = word.removeprefix("-").removeprefix("-").partition("=")
    if name not in known:
        _refuse(program, known, f"flag provided but not defined: -{name}")
    kind = known[name][0]
    if not equals:
        if kind not in SWITCHES and not rest:
            _refuse(program, known, f"flag needs an argument: -{name}")
        text = "true" if kind in SWITCHES else rest.pop(0)
    try:
        return name, kind(text)
    except ValueError:
        _refuse(program, known, f'invalid value "{text}" for flag -{name}: parse error')
        raise


def _refuse(program: str, known: Known, text: str) -> None:
    print(text, f"Usage of {program}:", sep="\n", file=sys.stderr)
    for name in sorted(known):
        print(f"  -{name}", file=sys.stderr)
    raise SystemExit(2)
