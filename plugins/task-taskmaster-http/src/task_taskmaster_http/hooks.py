"""Hooks: what another system tells in its own words becomes a task."""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
import msgspec
from task_rules.template import expand

from task_core.api import Clock, Task
from task_taskmaster_http.bodies import Parcel
from task_taskmaster_http.keys import digest
from task_taskmaster_http.problem import RequestError

TOKEN = re.compile(r"\{(json|header):([^{}]+)\}")
"""What a template takes from a request."""
ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


@attrs.frozen(kw_only=True)
class Signature:
    """How those who call a hook show who they are.

    Args:
        secret: What they and we know.
        header: Which has the HMAC of the body.
        algorithm: Of the HMAC.
        encoding: `hex` or `base64`.
        prefix: What stands before it.
    """

    secret: bytes = attrs.field(repr=False)
    header: str = "X-Hub-Signature-256"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = "sha256="

    def check(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Compare, in a time that tells nothing.

        Raises:
            RequestError: The signature is missing, or another one.
        """
        given = headers.get(self.header)
        if given is None:
            raise RequestError(
                401, f"the header {self.header} with a signature is wanted"
            )
        right = hmac.digest(self.secret, body, self.algorithm)
        if not hmac.compare_digest(right, self._decoded(given)):
            raise RequestError(
                401, f"the signature in {self.header} is not that of the body"
            )

    def _decoded(self, given: str) -> bytes:
        text = given.strip().removeprefix(self.prefix)
        try:
            if self.encoding == "base64":
                return base64.b64decode(text, validate=True)
            return bytes.fromhex(text)
        except (ValueError, binascii.Error):
            return b""


@attrs.frozen(kw_only=True)
class Hook:
    """One address that others call: `/hooks/NAME`.

    Args:
        name: Its name.
        type, job, topic: Of its tasks.
        template: Of their info; the parts of a time, `{json:a.b}` and `{header:name}`.
        meta: Keys, and templates of their values.
        when: What must be so, `json:…` or `header:…` to values; else nothing is sent.
        signature: How callers show who they are; None: by a token.
        key: Header that tells one call from another: called again, it sends once.
    """

    name: str
    type: str
    job: str = ""
    topic: str = ""
    template: str = ""
    meta: Mapping[str, str] = attrs.field(factory=dict)
    when: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    signature: Signature | None = None
    key: str = ""

    def parcel(
        self, body: bytes, headers: Mapping[str, str], clock: Clock
    ) -> tuple[Parcel, str] | None:
        """Return the task of a call, or None when it is not to be one.

        Returns:
            It, and what tells the call from others: all that the templates took of it.

        Raises:
            RequestError: The call lacks something that the template wants.
        """
        values = _Values(body, headers)
        for name, wanted in self.when.items():
            if values.optional(*name.split(":", 1)) not in wanted:
                return None
        moment = datetime.fromtimestamp(clock.time(), UTC)
        info = _filled(
            expand(self.template, moment), lambda it: quote(it, "/:"), values
        )
        meta = {
            key: _filled(expand(text, moment), str, values)
            for key, text in self.meta.items()
        }
        task = Task.new(self.type, info, job=self.job, meta=meta, clock=clock)
        return Parcel(task, self.topic or self.type), digest(values.taken)


class _Values:
    """What a call says: its headers, and the JSON of its body."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        self._body = body
        self._headers = headers
        self._json: Any = None
        self.taken: list[str] = []
        """All that was required, in that order."""

    def optional(self, source: str, name: str) -> str | None:
        if source == "header":
            return self._headers.get(name)
        if self._json is None:
            self._json = self._decoded()
        value = self._json
        for part in name.split("."):
            value = _part(value, part)
        return None if value is None else _text(value)

    def require(self, source: str, name: str) -> str:
        value = self.optional(source, name)
        if value is None:
            what = "header" if source == "header" else "value"
            raise RequestError(422, f"the call has no {what} '{name}'")
        self.taken.append(value)
        return value

    def _decoded(self) -> Any:
        try:
            return msgspec.json.decode(self._body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestError(400, f"this is no JSON: {error}") from None


def _filled(template: str, encode: Callable[[str], str], values: _Values) -> str:
    return TOKEN.sub(lambda it: encode(values.require(it[1], it[2])), template)


def _part(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
