"""The rules file: tokens and hooks; what is wrong with it is told all at once."""

import os
import re
from pathlib import Path
from typing import Any

import attrs
from task_rules.file import read_document
from task_rules.table import (
    Table,
    file_name,
    filled,
    mapping,
    scalars,
    text,
    texts,
    whole,
)

from task_core.api import OptionError
from task_taskmaster_http.bodies import check_topic
from task_taskmaster_http.hooks import ALGORITHMS, TOKEN, Hook, Signature
from task_taskmaster_http.tokens import Token, read_hash

_NAME = re.compile(r"[\w.-]+")
_SOURCE = re.compile(r"(json|header):.+")
_SECRETS = ("secret", "secret_env", "secret_file")


@attrs.frozen
class Rules:
    """What a file says.

    Args:
        tokens: Who may send.
        hooks: By name.
    """

    tokens: list[Token] = attrs.field(factory=list)
    hooks: dict[str, Hook] = attrs.field(factory=dict)


def read_rules(path: Path | None) -> Rules:
    """Read the rules file; without one there are none.

    Raises:
        OptionError: It cannot be read, or something in it is wrong: all of that.
    """
    rules = Rules()
    if path is None:
        return rules
    document = read_document(path)
    if not document.problems:
        for table in document.tables("token"):
            _read_token(table, rules)
        for table in document.tables("hook"):
            _read_hook(table, rules, path.parent)
        root = document.root
        for known in ("token", "hook"):
            root.take(known, lambda it: it, None)
        root.finish()
    if document.problems:
        raise OptionError(document.told())
    return rules


def _read_token(table: Table, rules: Rules) -> None:
    token = Token(
        name=table.require("name"),
        hash=table.take("hash", read_hash, ""),
        types=table.take("types", texts, ()),
        topics=table.take("topics", texts, ()),
        rate=table.take("rate", whole, None),
    )
    if not token.hash and "hash" not in table:
        table.note("hash is required: 'task http token NAME' makes one")
    if token.name in {it.name for it in rules.tokens}:
        table.note(f"there are two tokens '{token.name}'", "name")
    table.finish()
    rules.tokens.append(token)


def _read_hook(table: Table, rules: Rules, folder: Path) -> None:
    hook = Hook(
        name=table.require("name"),
        type=table.require("type"),
        job=table.take("job", text, ""),
        topic=table.take("topic", _topic, ""),
        template=table.take("template", _template, ""),
        meta=table.take("meta", _templates, {}),
        when=table.take("when", _conditions, {}),
        signature=_read_signature(table, folder),
        key=table.take("key", filled, ""),
    )
    if hook.name and not _NAME.fullmatch(hook.name):
        table.note("name is part of an address: letters, digits, . _ -", "name")
    if hook.name in rules.hooks:
        table.note(f"there are two hooks '{hook.name}'", "name")
    table.finish()
    rules.hooks[hook.name] = hook


def _read_signature(table: Table, folder: Path) -> Signature | None:
    given = [key for key in _SECRETS if key in table]
    if len(given) > 1:
        table.note(f"give one of {', '.join(given)}", given[1])
    secret = (
        table.take("secret", _secret, b"")
        or table.take("secret_env", _secret_in_environment, b"")
        or table.take("secret_file", lambda it: _secret_in_file(it, folder), b"")
    )
    for key in _SECRETS:  # those after the first one are known, too
        table.take(key, text, "")
    header = table.take("header", filled, "X-Hub-Signature-256")
    algorithm = table.take("algorithm", _algorithm, "sha256")
    encoding = table.take("encoding", _encoding, "hex")
    prefix = table.take("prefix", text, f"{algorithm}=" if encoding == "hex" else "")
    if not given:
        return None
    return Signature(
        secret=secret,
        header=header,
        algorithm=algorithm,
        encoding=encoding,
        prefix=prefix,
    )


def _secret(value: Any) -> bytes:
    return filled(value).encode()


def _secret_in_environment(value: Any) -> bytes:
    secret = os.environ.get(filled(value), "")
    if not secret:
        raise ValueError(f"names the variable {filled(value)}, which is not set")
    return secret.encode()


def _secret_in_file(value: Any, folder: Path) -> bytes:
    file = folder / file_name(filled(value))
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {file}: {error.strerror}") from None
    if not secret:
        raise ValueError(f"is empty: {file}")
    return secret


def _topic(value: Any) -> str:
    try:
        return check_topic(filled(value))
    except ValueError as error:
        raise ValueError(f"{value!r}: {error}") from None


def _template(value: Any) -> str:
    for token in re.findall(r"\{((?:json|header|body):?[^{}]*)\}", text(value)):
        if not TOKEN.fullmatch("{" + token + "}"):
            raise ValueError(f"has {{{token}}}: write {{json:a.b}} or {{header:name}}")
    return text(value)


def _templates(value: Any) -> dict[str, str]:
    return {key: _template(it) for key, it in scalars(value).items()}


def _conditions(value: Any) -> dict[str, tuple[str, ...]]:
    for key in mapping(value):
        if not _SOURCE.fullmatch(key):
            raise ValueError(f"has {key!r}: write 'json:a.b' or 'header:name'")
    return {key: texts(it) for key, it in mapping(value).items()}


def _algorithm(value: Any) -> str:
    if value not in ALGORITHMS:
        raise ValueError(f"is one of {', '.join(ALGORITHMS)}, not {value!r}")
    return filled(value)


def _encoding(value: Any) -> str:
    if value not in ("hex", "base64"):
        raise ValueError(f"is hex or base64, not {value!r}")
    return filled(value)
