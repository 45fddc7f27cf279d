"""Names of topics and channels, and how nsqd quotes what is none."""

import re

_NAME = re.compile(rb"[.a-zA-Z0-9_-]+(#ephemeral)?")
_SHORT = {
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
    34: '\\"',
    92: "\\\\",
}


def is_name(name: bytes) -> bool:
    """Whether a topic or channel may be called so."""
    return len(name) <= 64 and _NAME.fullmatch(name) is not None


def is_ephemeral(name: str) -> bool:
    """Whether it goes when its last user goes."""
    return name.endswith("#ephemeral")


def quoted(name: bytes) -> str:
    """Quote as Go's `%q` does: bytes that are no text as hexadecimal numbers."""
    text = name.decode("utf-8", "surrogateescape")
    return '"' + "".join(_quoted_char(ord(char)) for char in text) + '"'


def _quoted_char(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code in _SHORT:
        return _SHORT[code]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return chr(code) if chr(code).isprintable() else f"\\u{code:04x}"
