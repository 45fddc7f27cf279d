"""Who signs whom where logins are JWTs: an operator, its account, a user of that."""

import base64
import hashlib
import json
import time

import nkeys

ANY = {"subs": -1, "data": -1, "payload": -1}
STORAGE = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
ACCOUNT = {**ANY, "conn": -1, "leaf": -1, "imports": -1, "exports": -1}


class Signer:
    """A pair of keys.

    Args:
        kind: `OPERATOR`, `ACCOUNT` or `USER`.
        salt: Others are others.
    """

    def __init__(self, kind, salt=b""):
        prefix = getattr(nkeys, f"PREFIX_BYTE_{kind}")
        self.seed = nkeys.encode_seed((kind.encode() + salt).ljust(32), prefix)
        self.pair = nkeys.from_seed(self.seed)
        self.public = self.pair.public_key.decode()

    def sign(self, subject, kind, exp=None, **claims):
        """Return a JWT that says something of somebody."""
        told = {
            "iat": int(time.time()),
            "iss": self.public,
            "name": kind,
            "sub": subject.public,
            "nats": {"type": kind, "version": 2, **claims},
        }
        if exp is not None:
            told["exp"] = exp
        told["jti"] = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        text = f"{_encoded(json.dumps(head))}.{_encoded(json.dumps(told))}"
        return f"{text}.{_encoded(self.pair.sign(text.encode()))}"


def _encoded(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Operator:
    """An operator with one account, whose users may do what their rights say."""

    def __init__(self, salt=b""):
        kinds = ("OPERATOR", "ACCOUNT", "USER")
        self._itself, self._account, self._user = (Signer(it, salt) for it in kinds)
        self._system = Signer("ACCOUNT", b"system")

    def settings(self):
        """Return what a server must know, which trusts this operator."""
        limits = {self._account: ACCOUNT | STORAGE, self._system: ACCOUNT}
        sign = self._itself.sign
        return {
            "operator": sign(self._itself, "operator"),
            "system_account": self._system.public,
            "resolver": "MEMORY",
            "resolver_preload": {
                account.public: sign(account, "account", limits=its)
                for account, its in limits.items()
            },
        }

    def credentials(self, file, **rights):
        """Write what a user shows; one whose login is over or unknown, too."""
        jwt = self._account.sign(self._user, "user", **ANY, **rights)
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{self._user.seed.decode()}\n"
            "------END USER NKEY SEED------\n"
        )
        return file
