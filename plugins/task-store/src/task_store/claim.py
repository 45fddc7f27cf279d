"""What is claimed: a task that is to be sent once, under a key that its cause gives."""

import hashlib

import attrs


@attrs.frozen
class Claim:
    """One task that is to be sent.

    Args:
        key: A function of what caused it alone; see `key_of`.
        topic: Where it goes.
        body: Its bytes. Whoever sends again sends the same.
        due: From when on it is to be sent, in the time of the store (`Store.now`); at
            once, by whoever claims it, when 0.
    """

    key: str
    topic: str
    body: bytes
    due: float = 0.0


@attrs.frozen
class Held:
    """What the store knows of a key.

    Args:
        claim: As it was claimed first.
        sent: When it was sent, or None while it is not.
    """

    claim: Claim
    sent: float | None


@attrs.frozen
class Backlog:
    """How much is not sent.

    Args:
        pending: All of it.
        due: What should have gone by now.
    """

    pending: int
    due: int


def key_of(*parts: str) -> str:
    """Return a key for a cause: readable in front, and a digest of all of it.

    Args:
        parts: What tells one cause from all others; the first is for readers too.

    Example:
        >>> key_of("cron", "2026-01-01T05:00:00Z")[:5]
        'cron:'
    """
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{parts[0]}:{hashlib.sha256(text.encode()).hexdigest()[:40]}"
