"""What people are shown: text without the secrets in it."""

import re

HIDDEN = "********"
"""Shown in place of a secret."""
_PASSWORD = re.compile(r"(^|//|,)([^/@:,\s]*):[^/@,\s]+@")


def hide_passwords(text: str) -> str:
    """Blot out the passwords of URLs.

    Example:
        >>> hide_passwords("amqp://guest:secret@host")
        'amqp://guest:********@host'
    """
    return _PASSWORD.sub(rf"\1\2:{HIDDEN}@", text) if "@" in text else text
