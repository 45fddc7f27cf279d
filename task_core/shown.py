r"""What people are shown: text without secrets, and without what steers a terminal.

Every place that shows text of a task, a topic, a broker or a user passes it through
`shown`. Errors are made where nobody knows which part of them is a secret; so those who
read options tell the secrets here, once for the process, and they are blotted out of
whatever is shown later.
"""

import re
from collections.abc import Iterator

HIDDEN = "********"
"""Shown in place of a secret."""
_SHORTEST = 4  # a shorter secret is a part of too many words to be blotted out
# Expressions are text: few starts show what needs them, and `re` keeps those it met.
# They look no further than some hundred characters, however long a line is.
_KEY = (
    r"[\w.%-]{0,64}?(?:passw|secret|token|credential|jaas|key\.pem"
    r"|(?:api|private|access)[._-]?key)[\w.%-]{0,64}="
)
_PAIR = rf"(?i)(?<![\w.%-])({_KEY})(\"[^\"]*\"|'[^']*'|[^\s&#,;'\"]+)"
_USERINFO = r"(^|//|[\s,;'\"=(\[{])([^\s/@:,;'\"=(\[{]{0,99}):([^/@,\s'\"]{1,256})@"
_LONG_USERINFO = r"(//[^\s/?#@:'\"]{0,99}:)(?!\d+(?:[/?#,'\"\s]|$))[^\s'\"]{1,256}@"
_STEERING = (
    "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_IN_A_LINE = f"[\x00-\x1f{_STEERING}"
_IN_LINES = f"[\x00-\x08\x0b-\x1f{_STEERING}"
_QUERY = r"(?s)\?[\w.%-]+=.*"
_HOST = r"(?:[^:@]*(?::[^@]+)?@)?[^:@]*(?::\d+)?"

_secrets: set[str] = set()
_known: list[re.Pattern[str]] = []


def shown(text: str, *, lines: bool = False) -> str:
    r"""Return text as it may be shown to people.

    Args:
        text: Whatever it holds.
        lines: Leave line ends and tabs as they are.

    Example:
        >>> shown("amqp://guest:secret@host\x1b[2J")
        'amqp://guest:********@host\\x1b[2J'
    """
    return printable(hide_secrets(text), lines=lines)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Spell out what would steer a terminal: control characters, changed directions.

    Args:
        text: Whatever it holds.
        lines: Leave line ends and tabs as they are.

    Example:
        >>> printable("a\nb\u202e")
        'a\\nb\\u202e'
    """
    if text.isprintable():  # as most are
        return text
    return re.sub(_IN_LINES if lines else _IN_A_LINE, _spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def printable_json(text: str) -> str:
    """Escape in a JSON text what would steer a terminal; it stays the same JSON."""
    from json import dumps  # noqa: PLC0415  few texts have any

    return re.sub(_IN_LINES, lambda match: dumps(match[0])[1:-1], text)


def hide_secrets(text: str) -> str:
    """Blot out what is a secret: those told, passwords of URLs, values of such keys.

    Example:
        >>> hide_secrets("amqp://guest:secret@host?auth_token=1234")
        'amqp://guest:********@host?auth_token=********'
    """
    for pattern in _known:
        text = pattern.sub(_blotted, text)
    if "@" in text:
        text = re.sub(_USERINFO, rf"\1\2:{HIDDEN}@", text)
        text = re.sub(_LONG_USERINFO, rf"\1{HIDDEN}@", text)
    return re.sub(_PAIR, rf"\1{HIDDEN}", text) if "=" in text else text


def _blotted(match: re.Match[str]) -> str:
    """Return what is shown in place of a secret that was told.

    A password may be the name of a database: where a URL begins with it, as in our own
    hints, it says which bus, and nothing of the password.
    """
    text, begin = match.string, match.start()
    begins = not begin or text[begin - 1] in " '"
    is_scheme = begins and re.fullmatch("[a-z]+", match[0])
    if is_scheme and re.compile("[a-z]{0,9}://").match(text, match.end()):
        return match[0]
    return HIDDEN


def tell_secret(secret: str) -> None:
    """Have a secret blotted out of whatever this process shows from now on."""
    forms = {form for form in _forms(secret) if len(form) >= _SHORTEST} - _secrets
    if forms and secret != HIDDEN:
        _secrets.update(forms)
        longest = sorted(_secrets, key=len, reverse=True)
        _known[:] = [re.compile("|".join(map(re.escape, longest)))]


def tell_url(text: str) -> None:
    """Have the passwords of a URL blotted out of whatever is shown from now on."""
    for password in _passwords(text):
        tell_secret(password)
        # What holds a `/` comes apart as a URL, and its pieces turn up in errors.
        pieces = ["", *re.split(r"([/,?#@\s]+)", password), "@"]
        for n in range(1, len(pieces) - 1, 2):
            if len(pieces[n]) < _SHORTEST:
                tell_secret("".join(pieces[n - 1 : n + 2]))
            elif not pieces[n].isdigit():  # that may be a port
                tell_secret(pieces[n])


def _passwords(url: str) -> Iterator[str]:
    """Yield what may be a password: some have characters that no URL may hold."""
    rest = url.partition("//")[2] or url.partition(":")[2]
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    hosts = authority.split(",")
    users = [host.rpartition("@")[0] for host in hosts]
    alike = len({":" in host.rpartition("@")[0] for host in hosts if "@" in host}) < 2
    first = bool(users[0]) or "@" not in authority
    well_formed = alike and first and all(re.fullmatch(_HOST, host) for host in hosts)
    if "@" in rest[len(authority) :] and not all(map(_names_one, hosts)):
        well_formed = False  # the host comes later: this one is in the password
    head = re.sub(_QUERY, "", rest) if well_formed else rest
    if not well_formed or head.count("@") > authority.count("@"):
        users = [head.rpartition("@")[0]]
    for user, _, password in (text.partition(":") for text in users):
        if password and "@" not in user and password != user:
            yield password


def _names_one(host: str) -> bool:
    """Whether anything stands where a host is named."""
    return bool(host) and not host.endswith("@")


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may be written: quoted, in JSON, in an excerpt."""
    # Few starts are told any.
    from json import dumps  # noqa: PLC0415
    from urllib.parse import quote, quote_plus, unquote, unquote_plus  # noqa: PLC0415

    for form in (secret, unquote(secret), unquote_plus(secret)):
        yield form
        yield quote(form, safe="", errors="replace")
        yield quote_plus(form, errors="replace")
        yield repr(form)[1:-1]
        yield dumps(form)[1:-1]
        yield dumps(form, ensure_ascii=False)[1:-1]


def noun(count: int, one: str, many: str = "") -> str:
    """Return the word that stands behind a count.

    Args:
        count: How many there are.
        one, many: The word for one, and for any other number: with an "s" if not given.
    """
    return one if count == 1 else many or f"{one}s"
