"""What nsqd and nsqlookupd can be told: their flags, with the same defaults."""

import argparse
import re
import socket
from typing import Any

VERSION = "1.3.0"
"""Of the nsqd whose protocol this speaks: clients ask for it."""
HOST = socket.gethostname()

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*)(ms|s|m|h)")


def duration(text: str) -> float:
    """Read a duration like `1m30s` or `100ms`: seconds."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


_NSQD: dict[str, dict[str, Any]] = {
    "https-address": {"default": "0.0.0.0:4152"},
    "lookupd-tcp-address": {"action": "append", "default": []},
    "auth-http-address": {"action": "append", "default": []},
    "data-path": {"default": ""},
    "mem-queue-size": {"type": int, "default": 10_000},
    "sync-every": {"type": int},
    "sync-timeout": {"type": duration},
    "msg-timeout": {"type": duration, "default": 60.0},
    "max-msg-timeout": {"type": duration, "default": 900.0},
    "max-msg-size": {"type": int, "default": 1_048_576},
    "max-body-size": {"type": int, "default": 5_242_880},
    "max-req-timeout": {"type": duration, "default": 3600.0},
    "max-heartbeat-interval": {"type": duration, "default": 60.0},
    "max-rdy-count": {"type": int, "default": 2_500},
    "tls-cert": {"default": ""},
    "tls-key": {"default": ""},
    "tls-required": {"choices": ["tcp-https"]},
}
_FLAGS = {"nsqd": _NSQD, "nsqlookupd": {}}


def parse(program: str, tcp: int, http: int) -> argparse.Namespace:
    """Return what the command line asks for; unknown flags end the program."""
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    text = f"{program} stand-in (protocol of {program} v{VERSION})"
    parser.add_argument("--version", action="version", version=text)
    parser.add_argument("--tcp-address", default=f"0.0.0.0:{tcp}")
    parser.add_argument("--http-address", default=f"0.0.0.0:{http}")
    parser.add_argument("--broadcast-address", default=HOST)
    for name, how in _FLAGS[program].items():
        parser.add_argument(f"--{name}", **how)
    return parser.parse_args()


def address(text: str) -> tuple[str, int]:
    """Split `host:port`; no host means every one."""
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "0.0.0.0", int(port)
