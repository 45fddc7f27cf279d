"""Text as terminals show it: what steers them is left out; some letters are wide."""

from unicodedata import combining, east_asian_width


def plain(text: str) -> str:
    """Return what steers no terminal: the other end may be anybody."""
    return "".join(x if x.isprintable() else "?" for x in text)


def width(text: str) -> int:
    """Return how many cells a plain text takes.

    Example:
        >>> width("a\u6f22")
        3
    """
    return sum(map(_width, text))


def cut(text: str, most: int) -> str:
    """Return the beginning of a plain text that fits into so many cells."""
    used = 0
    for at, letter in enumerate(text):
        used += _width(letter)
        if used > most:
            return text[:at]
    return text


def _width(letter: str) -> int:
    if east_asian_width(letter) in "WF":
        return 2
    return 0 if combining(letter) else 1
