"""PostgreSQL: a cluster of its own, with one database."""

import contextlib
import os
import pwd
import select
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

from brokers.ports import HOST, split
from brokers.process import BrokerError
from brokers.server import Server

DEBIAN = Path("/usr/lib/postgresql")
"""Debian puts the programs of each version in a folder below, none on PATH."""
_STARTUP = b"user\0postgres\0database\0postgres\0\0"
_TO_ALL = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)


class Postgres(Server):
    """PostgreSQL on loopback, at `address`: user and database are `postgres`.

    That user needs no password; `user` needs `password`.

    Args:
        replica_of: a server that runs, and whose changes this one is to follow.
        more: as for every server.

    Its folder is given to the user `postgres` when root starts it: no such server runs
    as root. With `tls` it speaks TLS to clients that ask for it (which none must).
    """

    name = "PostgreSQL"
    program, variable = "postgres", "POSTGRES"
    stop_signal = signal.SIGINT  # with SIGTERM it waits for its clients to leave
    user, password = "tester", "s3cret-of-postgres"
    """Who may log in with a password."""

    def __init__(self, *, replica_of: "Postgres | None" = None, **more: Any) -> None:
        super().__init__(**more)
        self._primary = replica_of

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """Where it is, for clients that want a URL."""
        return f"postgresql://postgres@{self.address}/postgres"

    @classmethod
    def places(cls) -> tuple[Path | str, ...]:
        """Return the folders of Debian, with the newest version first."""
        found = DEBIAN.glob("*/bin")
        return tuple(sorted(found, key=lambda it: -float(it.parent.name)))

    @classmethod
    def path(cls, name: str = "postgres") -> str:
        """Return the path of `postgres` or another program in its folder.

        Raises:
            BrokerMissingError: there is none.
        """
        return str(Path(super().path()).resolve().with_name(name))

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        host, port = split(self.address)
        settings: dict[str, object] = {
            "listen_addresses": host,
            "port": port,
            "unix_socket_directories": self.folder,
            **self._tls_settings(),
            **self._options,
        }
        words = [
            word for it in settings.items() for word in ("-c", "{}={}".format(*it))
        ]
        return [*_as_somebody(), self.path(), "-D", str(self._data), *words]

    def _tls_settings(self) -> dict[str, object]:
        if self._certificate is None:
            return {}
        names = {"ssl_cert_file": "certificate.pem", "ssl_key_file": "key.pem"}
        return {"ssl": "on", **{key: self.folder / it for key, it in names.items()}}

    def prepare(self) -> None:
        """Make the database, once."""
        if self._data.exists():
            return
        if self._certificate is not None:
            shutil.copy(self._certificate.certificate, self.folder / "certificate.pem")
            shutil.copy(self._certificate.key, self.folder / "key.pem")
            (self.folder / "key.pem").chmod(0o600)
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            for file in (self.folder, *self.folder.iterdir()):
                os.chown(file, owner.pw_uid, owner.pw_gid)
        where = "-D", str(self._data)
        if self._primary is not None:
            host, port = split(self._primary.address)
            source = "-h", host, "-p", str(port), "-U", "postgres", "-R", "-c", "fast"
            self._run(self.path("pg_basebackup"), *where, *source)
            return
        how = "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C"
        self._run(self.path("initdb"), *where, *how)
        create = f"CREATE ROLE {self.user} LOGIN SUPERUSER PASSWORD '{self.password}'"
        self._run(self.path(), "--single", *where, "postgres", say=create)
        hba = self._data / "pg_hba.conf"
        text = f"host all {self.user} {HOST}/32 scram-sha-256\n" + hba.read_text()
        hba.write_text(text)

    def promote(self) -> None:
        """Make a replica one that can be written to; return when it can."""
        self._run(self.path("pg_ctl"), "promote", "-w", "-D", str(self._data))

    def _run(self, *command: str, say: str = "") -> None:
        done = subprocess.run(
            [*_as_somebody(), *command],
            input=f"{say}\n",
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        if done.returncode:
            raise BrokerError(f"PostgreSQL's data folder: {done.stdout}{done.stderr}")

    def answers(self) -> bool:
        """Whether it serves clients now, and is done with what a crash left."""
        with socket.create_connection(split(self.address), timeout=1) as connection:
            head = struct.pack(">ii", 8 + len(_STARTUP), 3 << 16)
            connection.sendall(head + _STARTUP)
            return connection.recv(1) == b"R"

    def kill(self) -> None:
        """End it as a crash would, and wait for all its processes.

        A client's that still ends has the shared memory, and no other server may start.
        """
        super().kill()
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                ended = os.pidfd_open(pid)
                os.kill(pid, signal.SIGKILL)
                select.select([ended], [], [])
                os.close(ended)

    def _left(self) -> list[int]:
        """Return the processes whose folder is that of the data."""
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if link.readlink() == self._data:
                    found.append(int(link.parent.name))
        return found

    def _signal(self, number: signal.Signals) -> None:
        """Reach the processes of its clients too: each is a group of its own."""
        others = _children(self.pid) if self.pid and number in _TO_ALL else []
        super()._signal(number)
        for pid in others:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # it has ended in the meantime


def _as_somebody() -> list[str]:
    """Return how to start a program as a user who is not root."""
    if os.getuid():
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _children(pid: int) -> list[int]:
    """Return the processes of its clients; none where the system does not tell."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(it) for it in file.read_text().split()] if file.exists() else []
