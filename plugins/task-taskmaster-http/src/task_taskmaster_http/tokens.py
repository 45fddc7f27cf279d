"""Who may send what: bearer tokens, of which only the hash is kept."""

import fnmatch
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence

import attrs

from task_taskmaster_http.problem import RequestError

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine calls itself; others may lead a browser here."""
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


def refuse_strangers(headers: Mapping[str, str], hosts: Sequence[str]) -> None:
    """Refuse what pages of others have a browser send here, without tokens.

    The name of a page may lead here, and a form of it goes wherever it wants to.

    Args:
        headers: Of the request.
        hosts: What this machine is called, where anybody on it may send; none where
            others reach it, too.

    Raises:
        RequestError: It comes from elsewhere.
    """
    if not hosts:
        text = "there are no tokens here, and others reach it: only hooks are served"
        more = "'task http token NAME' makes a token for the rules file"
        raise RequestError(403, f"{text}; {more}")
    if _name(headers.get("host", "")) not in hosts:
        text = "without tokens only this machine may send: ask for localhost"
        raise RequestError(403, text)
    page = headers.get("origin")
    if page is not None and _name(page.partition("://")[2]) not in hosts:
        text = "without tokens no page of another site may send"
        raise RequestError(403, f"{text}: this is one of {page!r}")


def _name(address: str) -> str:
    """Return the host of `host:port`, or of a host alone."""
    host, _, port = address.rpartition(":")
    return host if port.isdecimal() else address
