"""What redis-py and the server say -> one clear line of the bus."""

from redis import exceptions

from task_core.api import BusConnectionError, BusError, PayloadError


class ScriptMissingError(BusError):
    """The server does not know a script: it is new, or somebody has flushed them."""


class ChannelMissingError(BusError):
    """The keys of a channel are gone: somebody has deleted it, or the server forgot."""


_AWAY = ("LOADING", "MASTERDOWN", "READONLY", "TRYAGAIN", "CLUSTERDOWN", "BUSY")
"""Answers of a server that is not ready, or is no longer the one to write to."""
_LOGIN = (
    "give username and password, for example redis://NAME:PASSWORD@HOST"
    " or TASK_BUS_REDIS_PASSWORD"
)


def error_of(error: Exception, address: str) -> BusError:
    """Return the error of the contract for one of the client's.

    Args:
        error: What was raised.
        address: Who was asked.
    """
    text = " ".join(str(error).split())
    where = f"Redis at {address}"
    if isinstance(error, exceptions.AuthenticationError):
        return BusError(f"{where} does not let us in: {text}; {_LOGIN}")
    if isinstance(error, exceptions.NoPermissionError):
        return BusError(f"{where}: this user lacks a right: {text}")
    if isinstance(error, exceptions.ResponseError | exceptions.BusyLoadingError):
        return _answer(text, where)
    if isinstance(error, exceptions.ReadOnlyError):
        return BusConnectionError(f"{where} is a replica now: {text}")
    reason = text or type(error).__name__
    return BusConnectionError(f"{where} cannot be reached: {reason}")


_ANSWERS = (
    (("NOAUTH", "no password is set"), BusError, f"does not let us in; {_LOGIN}"),
    (("NOPERM",), BusError, "refuses: this user lacks a right"),
    (_AWAY, BusConnectionError, "is not ready"),
    (("No matching script", "NOSCRIPT"), ScriptMissingError, "has forgotten a script"),
    (("NOGROUP",), ChannelMissingError, "has no such channel"),
    (("OOM", "MISCONF", "when used memory"), BusConnectionError, "takes nothing more"),
    (("unknown command", "syntax error"), BusError, "is too old: take 6.2 or newer"),
    (("DB index",), BusError, "has no such database"),
    (("maximum allowed",), PayloadError, "takes no message that long"),
)
"""What an answer holds, the error that it is, and what it means."""


def _answer(text: str, where: str) -> BusError:
    for words, kind, meaning in _ANSWERS:
        if any(word in text for word in words):
            return kind(f"{where} {meaning}: {text}")
    return BusError(f"{where}: {text}")
