"""The calls of functions in the database; what they do is in sql/."""

from collections.abc import Sequence

import attrs

from task_bus_postgres.schema import quoted


def _call(name: str, count: int) -> bytes:
    words = ", ".join(f"${number}" for number in range(1, count + 1))
    return f"SELECT * FROM {{schema}}.{name}({words})".encode()


@attrs.frozen
class Statements:
    """All statements, for one schema.

    Args:
        send, prepare: For those who write.
        subscribe, take, settle, lost, give_back, extend: For those who read.
        sweep, forget, states, topics, peek: For the bus.
    """

    send: bytes = _call("send", 6)
    prepare: bytes = _call("prepare", 2)
    subscribe: bytes = _call("subscribe", 3)
    take: bytes = _call("take", 7)
    settle: bytes = _call("settle", 10)
    lost: bytes = _call("lost", 4)
    give_back: bytes = _call("give_back", 5)
    extend: bytes = _call("extend", 5)
    sweep: bytes = _call("sweep", 2)
    forget: bytes = _call("forget", 2)
    states: bytes = _call("states", 1)
    topics: bytes = (
        b"SELECT DISTINCT topic FROM {schema}.channel WHERE expires = 'infinity'"
    )
    peek: bytes = (
        b"SELECT body FROM {schema}.message WHERE channel = $1"
        b" ORDER BY rank, id LIMIT $2::int"
    )


def statements_of(schema: str) -> Statements:
    """Return the statements for a schema."""
    made: Sequence[bytes] = attrs.astuple(Statements())
    name = quoted(schema).encode()
    return Statements(*(text.replace(b"{schema}", name) for text in made))
