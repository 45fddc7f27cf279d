"""Who may send what: bearer tokens, of which only the hash is kept."""

import fnmatch
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

import attrs

from task_taskmaster_http.problem import RequestError

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_REALM = {"WWW-Authenticate": 'Bearer realm="task"'}


def new_token() -> str:
    """Return a new token: 256 random bits, so that a plain hash is safe."""
    return f"task_{secrets.token_urlsafe(32)}"


def hash_of(token: str) -> str:
    """Return what the rules file holds of a token."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def read_hash(value: object) -> str:
    """Return a hash as it is.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        problem = "must be what 'task http token' prints: sha256: and 64 digits"
        raise ValueError(problem)
    return value


@attrs.frozen(kw_only=True)
class Token:
    """Somebody who may send.

    Args:
        name: Who.
        hash: Of the token.
        types: Patterns of what it may send; anything when empty.
        topics: Patterns of where to; those of the types when empty, since who reads
            a topic does what comes there.
        rate: Most requests a second; None: as for all.
    """

    name: str
    hash: str = attrs.field(default="", repr=False)
    types: Sequence[str] = ()
    topics: Sequence[str] = ()
    rate: int | None = None

    def check(self, kind: str, topic: str) -> None:
        """Refuse what it may not send.

        Raises:
            RequestError: It may not.
        """
        for what, name, allowed in (
            ("type", kind, self.types),
            ("topic", topic, self.topics or self.types),
        ):
            if allowed and not any(fnmatch.fnmatchcase(name, it) for it in allowed):
                text = f"token '{self.name}' may not send {what} '{name}'"
                raise RequestError(403, text)


ANYBODY = Token(name="")
"""Who sends when there are no tokens, from this machine."""


class Tokens:
    """All tokens.

    Args:
        tokens: Them; with none, anybody may send.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def find(self, header: str | None) -> Token:
        """Return whose token a header `Authorization` shows.

        Raises:
            RequestError: Nobody's.
        """
        if not self._tokens:
            return ANYBODY
        scheme, _, given = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            text = "a token is wanted: send the header 'Authorization: Bearer TOKEN'"
            raise RequestError(401, text, _REALM)
        hashed, found = hash_of(given.strip()), None
        for token in self._tokens:  # all of them, whoever it is
            if hmac.compare_digest(token.hash, hashed):
                found = token
        if found is None:
            raise RequestError(401, "this token is not known", _REALM)
        return found
