"""Certificates for brokers that speak TLS, made when they are needed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from brokers.process import BrokerError, BrokerMissingError


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate of 127.0.0.1 and localhost that vouches for itself.

    Clients trust it by giving `certificate` as the file of their authorities; it
    serves as well as the certificate that a client shows.
    """

    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path | str) -> Self:
        """Make one, valid for a day, in `folder`.

        Raises:
            BrokerMissingError: there is no `openssl` command.
            BrokerError: it does not make one.
        """
        if shutil.which("openssl") is None:
            raise BrokerMissingError("TLS needs the command 'openssl': install it")
        Path(folder).mkdir(parents=True, exist_ok=True)
        files = cls(
            certificate=Path(folder) / "certificate.pem", key=Path(folder) / "key.pem"
        )
        done = subprocess.run(
            _command(files), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BrokerError(f"openssl makes no certificate: {done.stderr}")
        return files

    def together(self) -> Path:
        """Return a file with key and certificate, as Kafka wants them."""
        file = self.key.with_name("together.pem")
        file.touch(mode=0o600)
        file.write_bytes(self.key.read_bytes() + self.certificate.read_bytes())
        return file


def _command(files: Certificate) -> list[str]:
    return [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        *("-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"),
        *("-keyout", str(files.key), "-out", str(files.certificate)),
    ]
