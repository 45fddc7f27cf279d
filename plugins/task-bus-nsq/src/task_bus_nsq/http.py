"""What nsqds and nsqlookupds say by HTTP."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.api import BusConnectionError, BusError

_log = logging.getLogger("task.bus.nsq")
Answer = TypeVar("Answer")


class HttpApi:
    """Asks nsqds and nsqlookupds.

    Args:
        settings: How long to wait, and how to speak TLS where an address says https.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.connect_timeout
        # brokers are neighbours: a proxy for the web does not know them
        https = HTTPSHandler(context=settings.tls)
        self._opener = build_opener(ProxyHandler({}), https)

    def call(
        self, address: Address, path: str, query: Mapping[str, str], *, post: bool
    ) -> Any:
        """Ask, and return what the JSON of the answer holds; None for "not found".

        Args:
            address, path, query: Where and what.
            post: Whether it changes something.

        Raises:
            BusConnectionError: Nobody answers.
            BusError: The answer is an error.
        """
        url = f"{address.scheme}://{address}{path}?{urlencode(query)}"
        request = Request(url, data=b"" if post else None)
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = response.read()
            data = json.loads(text) if text else {}
        except HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise BusError(f"{address} refuses {path}: HTTP {error.code}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise BusConnectionError(
                f"{address} does not answer {path}: {_reason(error)}"
            ) from error
        # before version 1.0 all was wrapped
        return data["data"] if isinstance(data, dict) and "data" in data else data


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "it speaks something else than HTTP with JSON"
    inner = error.reason if isinstance(error, URLError) else error
    return getattr(inner, "strerror", None) or str(inner)


def ask_all(
    addresses: Iterable[Address], ask: Callable[[Address], Answer], what: str
) -> Sequence[Answer]:
    """Ask several, and leave out those that fail: any may answer for all.

    Args:
        addresses, ask, what: As for `ask_each`.

    Raises:
        BusConnectionError: All failed.
    """
    answers, failures = ask_each(addresses, ask, what)
    if failures and not answers:
        raise BusConnectionError(f"no {what} answers: {'; '.join(failures)}")
    return answers


def ask_each(
    addresses: Iterable[Address], ask: Callable[[Address], Answer], what: str
) -> tuple[Sequence[Answer], Sequence[str]]:
    """Ask several; return what was answered, and why others did not, both in order.

    All are asked at once: the wait for many that are silent is that for one.

    Args:
        addresses: Whom.
        ask: Asks one, and picks out of the answer what is wanted; any thread.
        what: What they are, for messages.
    """
    asked = list(addresses)
    outcomes: list[tuple[list[Answer], list[str]]]
    outcomes = [([], [f"{address} was not asked"]) for address in asked]

    def look(at: int) -> None:
        outcomes[at] = _ask_one(asked[at], ask, what)

    # An executor would do; but the end of the program waits for its threads, and they
    # wait for those that are silent.
    others = [
        threading.Thread(target=look, args=(at,), name="nsq-http", daemon=True)
        for at in range(1, len(asked))
    ]
    for other in others:
        other.start()
    if asked:
        look(0)
    for other in others:
        other.join()
    failures = [failure for _, failed in outcomes for failure in failed]
    for failure in failures:
        _log.debug("%s %s", what, failure)
    return [answer for found, _ in outcomes for answer in found], failures


def _ask_one(
    address: Address, ask: Callable[[Address], Answer], what: str
) -> tuple[list[Answer], list[str]]:
    try:
        return [ask(address)], []
    except BusError as error:
        return [], [str(error)]
    except (LookupError, TypeError, ValueError):
        return [], [f"{address} does not answer as an {what} does"]
