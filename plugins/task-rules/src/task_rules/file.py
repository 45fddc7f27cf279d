"""What an option names: a file of rules, and the zone of its times."""

from datetime import tzinfo
from pathlib import Path

from task_core.api import OptionError
from task_rules.document import Document
from task_rules.schedule import read_zone


def read_document(path: Path) -> Document:
    """Read a file of rules; what is wrong in it is noted there.

    Raises:
        OptionError: It cannot be read.
    """
    try:
        return Document(path.name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError([f"cannot read rules {path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise OptionError([f"cannot read rules {path}: it is not UTF-8"]) from None


def default_zone(name: str) -> tzinfo:
    """Return the zone of rules that name none, as the option `timezone` says it.

    Raises:
        OptionError: There is no such zone.
    """
    try:
        return read_zone(name)
    except ValueError as error:
        raise OptionError([f"option timezone: {error}"]) from None
