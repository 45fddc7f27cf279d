"""PgBouncer, as many have it before PostgreSQL."""

import os
import pwd
import socket

from brokers.ports import split
from brokers.server import Server


class PgBouncer(Server):
    """Hands out a session of a server for one transaction at a time.

    Args:
        server: Whose.
    """

    name, program, variable, scheme = "PgBouncer", "pgbouncer", "PGBOUNCER", "postgres"

    def __init__(self, server):
        super().__init__()
        self._server = server

    @classmethod
    def places(cls):
        """Return where Debian puts it, which is not on the PATH of all."""
        return ("/usr/sbin/pgbouncer",)

    def command(self):
        """Return the program and its arguments; it refuses to run as root."""
        user = ["-u", "postgres"] if os.getuid() == 0 else []
        return [self.path(), *user, str(self.folder / "pgbouncer.ini")]

    def prepare(self):
        """Write the settings."""
        host, port = split(self.address)
        to_host, to_port = split(self._server.address)
        lines = [
            "[databases]",
            f"postgres = host={to_host} port={to_port} dbname=postgres user=postgres",
            "[pgbouncer]",
            f"listen_addr = {host}",
            f"listen_port = {port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            "default_pool_size = 2",
        ]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n", "utf-8")
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            for file in (self.folder, *self.folder.iterdir()):
                os.chown(file, owner.pw_uid, owner.pw_gid)

    def answers(self):
        """Whether it listens."""
        with socket.create_connection(split(self.address), timeout=1):
            return True
