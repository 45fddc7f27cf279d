"""Who we are: what CONNECT tells a server that asks for it."""

import base64
import re
from pathlib import Path
from typing import Any

from task_bus_nats.options import NatsOptions
from task_core.api import BusError

BLOCK = re.compile(r"-{3,}BEGIN ([A-Z ]+)-{3,}\s+(\S+)\s+-{3,}END")


def login(options: NatsOptions, nonce: str) -> dict[str, str]:
    """Return the fields of CONNECT.

    Args:
        options: See the manifest.
        nonce: What the server wants to have signed.

    Raises:
        BusError: A file is missing or holds something else, or the extra is missing.
    """
    found = {
        "user": options.user,
        "pass": options.password,
        # `nats://TOKEN@HOST` is how NATS itself writes a token.
        "auth_token": options.token or ("" if options.password else options.user),
    }
    if options.credentials:
        blocks = dict(BLOCK.findall(_text(options.credentials)))
        seed, jwt = blocks.get("USER NKEY SEED"), blocks.get("NATS USER JWT")
        if not (seed and jwt):
            raise BusError(
                f"bus 'nats': {options.credentials} holds no JWT with its seed: option"
                " credentials wants a .creds file"
            )
        found |= {"jwt": jwt, "sig": _sign(seed, nonce, options.credentials)[1]}
    elif options.nkey:
        seed = _text(options.nkey).strip()
        public, signature = _sign(seed, nonce, options.nkey)
        found |= {"nkey": public, "sig": signature}
    return {name: value for name, value in found.items() if value}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise BusError(f"bus 'nats': cannot read {path}: {reason}") from None


def _sign(seed: str, nonce: str, path: Path) -> tuple[str, str]:
    """Return the public key and the signature."""
    try:
        import nkeys
    except ImportError:
        raise BusError(
            "bus 'nats': options nkey and credentials need the extra:"
            " pip install 'task-bus-nats[nkeys]'"
        ) from None
    try:
        pair: Any = nkeys.from_seed(seed.encode())
        public, signed = pair.public_key.decode(), pair.sign(nonce.encode())
    except Exception:  # noqa: BLE001  its errors have no base, and may show the seed
        raise BusError(f"bus 'nats': {path} holds no seed of an nkey") from None
    return public, base64.urlsafe_b64encode(signed).decode().rstrip("=")
