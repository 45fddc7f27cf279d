"""Values as PostgreSQL sends them: binary, both ways."""

from collections.abc import Sequence
from struct import Struct

INT4, INT8, FLOAT8, TEXT, BYTEA, TIMESTAMPTZ = 23, 20, 701, 25, 17, 1184
"""The server's numbers of types."""

_int4, _int8, _float8 = Struct(">i"), Struct(">q"), Struct(">d")
_head = Struct(">5i")

int4, int8, float8 = _int4.pack, _int8.pack, _float8.pack
TRUE, FALSE = b"\1", b"\0"
_NULL = _int4.pack(-1)
BEGINNING = _int8.pack(-(2**63))
"""The moment before all others."""


def array(kind: int, items: Sequence[bytes | None]) -> bytes:
    """Return an array of values of one type; None stands for null.

    Example:
        >>> array(INT4, [int4(7)]).hex(" ", 4)
        '00000001 00000000 00000017 00000001 00000001 00000004 00000007'
    """
    if not items:
        return _int4.pack(0) + _int4.pack(0) + _int4.pack(kind)
    has_nulls = None in items
    parts = [_head.pack(1, has_nulls, kind, len(items), 1)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts += (_int4.pack(len(item)), item)
    return b"".join(parts)


def items_of(value: bytes) -> list[bytes]:
    """Return the values of an array without nulls.

    Example:
        >>> items_of(array(TEXT, [b"a", b"bc"])), items_of(array(TEXT, []))
        ([b'a', b'bc'], [])
    """
    found, at = [], 20
    while at < len(value):
        end = at + 4 + _int4.unpack_from(value, at)[0]
        found.append(value[at + 4 : end])
        at = end
    return found


def to_int(value: bytes) -> int:
    """Return a whole number of any size."""
    return int.from_bytes(value, signed=True)


def to_float(value: bytes) -> float:
    """Return a float8."""
    found: float = _float8.unpack(value)[0]
    return found
