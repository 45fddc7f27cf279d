"""nsqd and nsqlookupd: the real ones where they are, else this project's stand-in."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from brokers.auth import AuthServer
from brokers.ports import HOST, free_address, split
from brokers.process import Broker, BrokerMissingError
from brokers.tls import Certificate

STAND_INS = {
    "nsqd": "brokers.nsqd_stand_in",
    "nsqlookupd": "brokers.nsqd_stand_in.lookupd",
}
"""The modules that take the place of programs."""


class _NsqBroker(Broker):
    """What nsqd and nsqlookupd have in common: two ports and where they are found."""

    def __init__(self, *, folder: Path | str | None, options: Iterable[str]) -> None:
        super().__init__(folder=folder)
        self.tcp = free_address()
        self.http = free_address()
        self._options = tuple(options)

    @property
    def implementation(self) -> str:
        """What runs, with its version."""
        return implementation(self.name)

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        addresses = (f"--tcp-address={self.tcp}", f"--http-address={self.http}")
        more = (f"--broadcast-address={HOST}", *self.arguments(), *self._options)
        return [*program(self.name), *addresses, *more]

    def arguments(self) -> list[str]:
        """Return the arguments that it alone knows."""
        return []

    def answers(self) -> bool:
        """Whether it serves clients now."""
        connection = HTTPConnection(*split(self.http), timeout=1)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().read() == b"OK"
        except HTTPException:
            return False
        finally:
            connection.close()


class NsqLookupd(_NsqBroker):
    """nsqlookupd on loopback; clients use `http`, and each nsqd `tcp`."""

    name = "nsqlookupd"

    def __init__(
        self, *, folder: Path | str | None = None, options: Iterable[str] = ()
    ) -> None:
        super().__init__(folder=folder, options=options)


class Nsqd(_NsqBroker):
    """nsqd on loopback, which keeps all messages on disk.

    Args:
        folder: where data and log are kept; else a temporary one.
        lookupd: where it tells what it has: running ones, or `host:port` of their TCP.
        tls: what it shows to clients that ask for TLS (which no client must).
        auth: who says which secrets are good, or its `host:port`.
        options: more options of nsqd, which win: `--msg-timeout=1s`.
    """

    name = "nsqd"

    def __init__(
        self,
        *,
        folder: Path | str | None = None,
        lookupd: Iterable[NsqLookupd | str] = (),
        tls: Certificate | None = None,
        auth: AuthServer | str | None = None,
        options: Iterable[str] = (),
    ) -> None:
        super().__init__(folder=folder, options=options)
        self._lookupd = [it if isinstance(it, str) else it.tcp for it in lookupd]
        self._tls = tls
        self._auth = auth.address if isinstance(auth, AuthServer) else auth

    def arguments(self) -> list[str]:
        """Return the arguments that it alone knows."""
        found = [f"--data-path={self.folder}", "--mem-queue-size=0"]
        found += [f"--lookupd-tcp-address={address}" for address in self._lookupd]
        if self._tls is not None:
            found.append(f"--tls-cert={self._tls.certificate}")
            found.append(f"--tls-key={self._tls.key}")
            found.append("--https-address=")  # else all of them want the same port
        if self._auth is not None:
            found.append(f"--auth-http-address={self._auth}")
        return found


def program(name: str) -> list[str]:
    """Return how to call `nsqd` or `nsqlookupd`.

    Raises:
        BrokerMissingError: the real one is demanded, and is not here.
    """
    return [_real(name)] if _is_real(name) else [sys.executable, "-m", STAND_INS[name]]


@cache
def implementation(name: str) -> str:
    """Return what runs under this name, with its version: `nsqd 1.3.0`."""
    if not _is_real(name):
        return f"{name} stand-in"
    command = [_real(name), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    version = re.search(r"v([0-9][^\s]*)", done.stdout)
    return f"{name} {version[1]}" if version else f"{name} of unknown version"


def _is_real(name: str) -> bool:
    wanted = os.environ.get("TASK_NSQ", "")
    if wanted not in {"", "real", "stand-in"}:
        raise BrokerMissingError(f"TASK_NSQ is real or stand-in, not '{wanted}'")
    if wanted == "real" and not _real(name):
        variable = name.upper()
        raise BrokerMissingError(
            f"TASK_NSQ=real, but there is no {name}: put it on PATH, or name it: "
            f"{variable}=/path/to/{name}"
        )
    return wanted != "stand-in" and bool(_real(name))


def _real(name: str) -> str:
    """Return the path of the real program, empty if there is none."""
    named = os.environ.get(name.upper())
    found = shutil.which(named or name)
    if named and found is None:
        raise BrokerMissingError(f"{name.upper()}={named}: there is no such program")
    return found or ""
