"""Rules of `task_core.shown`."""

import pytest

from task_core.shown import HIDDEN, hide_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://guest:s3cret@host:5672/x", f"amqp://guest:{HIDDEN}@host:5672/x"),
        ("redis://:s3cret@host", f"redis://:{HIDDEN}@host"),
        ("u:p@a:1,v:q@b:2", f"u:{HIDDEN}@a:1,v:{HIDDEN}@b:2"),
        ("user@host", "user@host"),
        ("host:4150", "host:4150"),
        ("mail me@home: soon", "mail me@home: soon"),
    ],
)
def test_passwords_in_addresses_are_never_shown(text, shown):
    """Although the option itself is no secret."""
    assert hide_passwords(text) == shown
