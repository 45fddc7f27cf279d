"""The pattern of a rule: where to look, and which paths are meant."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import attrs
from task_rules.names import nearest
from task_rules.table import file_name
from task_rules.template import expand

from task_taskmaster_files.tokens import (
    NAMES,
    TOKEN,
    Unit,
    as_regex,
    begin_of,
    moment_of,
    names_in,
    spelled_out,
    unit_of,
)
from task_taskmaster_files.wild import wild_regex

ANY_DEPTH = "**"
MOST_STEPS = 100_000
"""Minutes, hours or half days that a look-back may have."""
_MINUTE = timedelta(minutes=1)
_WILD = re.compile(r"[*?\[]")
_PROTOCOL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


@attrs.frozen
class Place:
    """Where to look once the tokens stand for a moment.

    Args:
        root: The folder that is sure to be there, without a slash at its end.
        segments: What follows, the last one for the files' names.
        moment: What the tokens stand for; None when there are none.
    """

    root: str
    segments: tuple[str, ...]
    moment: datetime | None


class Pattern:
    """A path or URL with wildcards and date tokens.

    Args:
        text: As it is written. `*`, `?` and `[a-c]` match within a name, `**` any
            number of folders.
        zone: On whose clock the tokens are.

    Raises:
        ValueError: It is none; the text fits behind the name of its key.
    """

    def __init__(self, text: str, zone: tzinfo) -> None:
        match = _PROTOCOL.match(file_name(text))
        self.protocol = match[1].lower() if match else ""
        if self.protocol in ("", "file", "local"):
            self.protocol = ""
            text = _absolute(text[match.end() if match else 0 :])
        _check(text)
        self.text = spelled_out(text)
        self.unit = unit_of(self.text)
        self._zone = zone
        self._places: tuple[tuple[datetime, timedelta], list[Place]] | None = None
        self._matches = re.compile(_regex(self.text)).fullmatch

    @property
    def is_local(self) -> bool:
        """Whether this machine's file system has it."""
        return not self.protocol

    def folder(self, now: datetime) -> str:
        """Return the folder of this machine that it names instead of files, if any.

        Args:
            now: What its tokens stand for.
        """
        if self.protocol or _WILD.search(self.text):
            return ""
        (place, *_) = self.places(now, timedelta(0))
        path = os.path.join(place.root, *place.segments)
        return path if os.path.isdir(path) else ""

    @property
    def steps(self) -> timedelta:
        """How far apart moments are so that no place between them is missed."""
        short = {Unit.MINUTE: _MINUTE, Unit.HOUR: 60 * _MINUTE}
        return short.get(self.unit or Unit.DAY, 720 * _MINUTE)

    @property
    def base(self) -> str:
        """The folder in front of all wildcards and tokens."""
        return self.text[: len(_fixed(self.text))].rpartition("/")[0] or "/"

    def places(self, now: datetime, lookback: timedelta) -> list[Place]:
        """Return where to look, what is latest first.

        Args:
            now: Any moment, with its zone.
            lookback: How far back the tokens go.
        """
        minute = begin_of(now.astimezone(UTC), Unit.MINUTE)
        if self._places is None or self._places[0] != (minute, lookback):
            if self.unit is None:
                found = [_place(self.text, None)]
            else:
                found = list(self._dated(minute, lookback))
            self._places = (minute, lookback), found
        return self._places[1]

    def match(self, path: str) -> tuple[bool, datetime | None]:
        """Return whether a path is meant, and the moment that its tokens tell."""
        match = self._matches(path)
        if not match:
            return False, None
        parts = moment_of(match)
        try:
            moment = datetime(**parts, tzinfo=self._zone) if parts else None
        except ValueError:
            return False, None  # digits in the right places that are no date
        return True, moment

    def _dated(self, now: datetime, lookback: timedelta) -> Iterator[Place]:
        assert self.unit is not None
        seen: set[str] = set()
        for number in range(lookback // self.steps + 2):
            earlier = max(now - number * self.steps, now - lookback)
            moment = begin_of(earlier.astimezone(self._zone), self.unit)
            text = expand(self.text, moment)
            if text not in seen:
                seen.add(text)
                yield _place(text, moment)


def _absolute(path: str) -> str:
    if not path.strip("/"):
        raise ValueError("must name files, for example /data/in/*.csv")
    slash = path.endswith("/")
    whole = os.path.abspath(os.path.expanduser(path))
    return f"{whole}/" if slash else whole


def _check(text: str) -> None:
    for name in names_in(text):
        if name not in NAMES:
            hint = nearest(name, NAMES) or f"; there are {{{'} {'.join(NAMES)}}}"
            raise ValueError(f"has {{{name}}}, which is no date token{hint}")
    if text.endswith("/"):
        raise ValueError(f"ends in a folder: write {text}* for the files in it")
    if any(ANY_DEPTH in it and it != ANY_DEPTH for it in text.split("/")):
        raise ValueError("has `**` beside other text: it stands for whole folders")
    if not _segments(text)[0]:
        raise ValueError("must begin with a folder or a bucket without wildcards")


def _fixed(text: str) -> str:
    """Return what comes before the first wildcard or token."""
    ends = [match.start() for it in (_WILD, TOKEN) if (match := it.search(text))]
    return text[: min(ends)] if ends else text


def _segments(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the folder in front of the first wildcard, and the segments behind it."""
    match = _PROTOCOL.match(text)
    begin = match.end() if match else 0
    wild = _WILD.search(text, begin)
    cut = text.rfind("/", begin, wild.start() if wild else len(text))
    if cut < begin:
        return "", ()
    segments = tuple(text[cut + 1 :].split("/"))
    if segments[-1] == ANY_DEPTH:
        segments = (*segments, "*")
    return text[:cut] or "/", segments


def _place(text: str, moment: datetime | None) -> Place:
    root, segments = _segments(text)
    return Place(root, segments, moment)


def _regex(text: str) -> str:
    """Return what matches all paths that are meant, with a group for each token."""
    if text.endswith(f"/{ANY_DEPTH}"):
        text = f"{text}/*"
    taken: set[str] = set()
    parts = [_part(segment, taken) for segment in text.split("/")]
    return "/".join(parts).replace(f"{_DEEP}/", _DEEP)


_DEEP = r"(?:[^/]+/)*"


def _part(segment: str, taken: set[str]) -> str:
    if segment == ANY_DEPTH:
        return _DEEP
    pieces = TOKEN.split(segment)
    texts = [
        as_regex(it, taken) if n % 2 else wild_regex(it) for n, it in enumerate(pieces)
    ]
    return "".join(texts)
