"""What redis-py and the server say -> one clear line of the bus."""

import re

from redis import exceptions as client

from task_core.api import BusConnectionError, BusError, PayloadError


class ScriptMissingError(BusError):
    """The server does not know a script: it is new, or somebody has flushed them."""


class ChannelMissingError(BusError):
    """The keys of a channel are gone: somebody has deleted it, or the server forgot."""


class ElsewhereError(BusConnectionError):
    """Another server is the one to write to by now: connecting anew finds it."""


VARIABLE = "TASK_BUS_REDIS_PASSWORD, or TASK_BUS_REDISS_PASSWORD with rediss://"
LOGIN = (
    f"give the password ({VARIABLE}), or redis://:PASSWORD@HOST, and a username where"
    " the server has users"
)
WRONG = (
    f"the password ({VARIABLE}) or the username is wrong; a server without users takes"
    " the password alone"
)
RIGHTS = "the README of task-bus-redis lists the rights that its user needs"
NO_LOGIN = "asks for no password: leave it out, or give the username as well"
UNTRUSTED = "is not trusted: option tls_ca names who vouches for it"
ANSWERS: tuple[tuple[tuple[type[Exception] | str, ...], type[BusError], str], ...] = (
    ((client.NoPermissionError, "NOPERM", "ACL failure"), BusError, RIGHTS),
    (("The user executing the script",), BusError, RIGHTS),
    (("without any password configured",), BusError, NO_LOGIN),
    (("WRONGPASS", "invalid username-password", "invalid password"), BusError, WRONG),
    ((client.AuthenticationError, "NOAUTH"), BusError, LOGIN),
    (("CERTIFICATE_VERIFY_FAILED",), BusError, UNTRUSTED),
    (("_REQUIRED]",), BusError, "wants to know who we are: options tls_cert, tls_key"),
    ((client.InvalidResponse,), BusError, "does not speak Redis: is the port right?"),
    (
        (client.MovedError, client.AskError, "MOVED ", "ASK "),
        ElsewhereError,
        "has moved its keys",
    ),
    ((client.ReadOnlyError, "read only replica"), ElsewhereError, "is a replica now"),
    ((client.BusyLoadingError, "LOADING"), BusConnectionError, "still reads its data"),
    ((client.MasterDownError, "MASTERDOWN"), BusConnectionError, "has no primary now"),
    ((client.ClusterDownError, "CLUSTERDOWN"), BusConnectionError, "is not ready"),
    ((client.TryAgainError, "TRYAGAIN", "BUSY"), BusConnectionError, "is not ready"),
    ((client.NoScriptError, "NOSCRIPT"), ScriptMissingError, "has forgotten a script"),
    (("NOGROUP", "UNBLOCKED"), ChannelMissingError, "has no such channel"),
    (
        (client.OutOfMemoryError, "OOM", "MISCONF", "when used memory"),
        BusConnectionError,
        "takes nothing more",
    ),
    (("command 'SENTINEL'",), BusConnectionError, "is no sentinel: option sentinel"),
    (("unknown command", "syntax error"), BusError, "is too old: take 6.2 or newer"),
    (("DB index", "SELECT"), BusError, "has no such database: option db"),
    (("WRONGTYPE",), BusError, "has keys of somebody else there: option prefix"),
    (("maximum allowed",), PayloadError, "takes no message that long"),
    ((client.ResponseError,), BusError, "refuses"),
    (
        (client.TimeoutError, TimeoutError),
        BusConnectionError,
        "does not answer in time",
    ),
)
"""Exceptions and words in answers, the error that they are, and what they mean."""
_CONNECTING = re.compile(r"^Error (-?\w+ )?connecting to \S+ ")
_ARGUMENTS = re.compile(r",? with args beginning with:.*")
"""What a server quotes of a command that it does not know; of AUTH, the password."""


def error_of(error: Exception, address: str) -> BusError:
    """Return the error of the contract for one of the client's.

    Args:
        error: What was raised.
        address: Who was asked.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    text = _ARGUMENTS.sub("", _CONNECTING.sub("", text))
    for signs, kind, meaning in ANSWERS:
        if any(_is(error, text, sign) for sign in signs):
            return kind(f"Redis at {address}: {meaning} ({text})")
    hint = "; does it run, and is the port right?" if "refused" in text else ""
    return BusConnectionError(f"Redis at {address}: cannot be reached ({text}){hint}")


def _is(error: Exception, text: str, sign: type[Exception] | str) -> bool:
    if isinstance(sign, str):
        return sign in text
    return isinstance(error, sign)
