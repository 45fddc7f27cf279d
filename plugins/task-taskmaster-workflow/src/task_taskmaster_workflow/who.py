"""Who asks for something, for others to read."""

import getpass


def user() -> str:
    """Return the name of the user; empty where there is none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
