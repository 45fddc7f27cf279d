"""Where a store is: text of an option, read into what the library takes."""

import os
from urllib.parse import unquote

import attrs
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from task_core.api import excerpt
from task_store.errors import StoreError

SHAPES = "a path, sqlite:PATH, or postgresql://USER@HOST/DATABASE"
_POSTGRES = ("postgresql", "postgres")


@attrs.frozen(kw_only=True)
class Place:
    """Where a store is.

    Args:
        url: For the library.
        path: Of the file, or empty when it is a server.
        name: For people.
    """

    url: URL
    path: str
    name: str

    @property
    def shared(self) -> bool:
        """Whether instances on several machines may use it."""
        return not self.path


def read_place(text: str) -> Place:
    """Read a path or a URL.

    Raises:
        StoreError: It is neither.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme in _POSTGRES:
        return _server(text)
    if colon and scheme == "sqlite":
        return _file(_path(rest), text)
    if colon and "://" in text:
        raise StoreError(f"a store is {SHAPES}, not {excerpt(text)}")
    return _file(text, text)


def _path(rest: str) -> str:
    """Return the path of `sqlite:a.db`, `sqlite://a.db` and `sqlite:///srv/a.db`.

    As the bus does; others write four slashes before a path from the root.
    """
    rest = rest.removeprefix("//")
    if rest.startswith("//"):
        rest = f"/{rest.lstrip('/')}"
    if "?" in rest:
        text = "a store in a file has no options: leave out what follows the '?'"
        raise StoreError(f"{text}, or write %3F where it belongs to the name")
    return unquote(rest)


def _file(path: str, text: str) -> Place:
    if not path or path == ":memory:" or "\0" in path:
        raise StoreError(f"a store is kept: name {SHAPES}, not {excerpt(text)}")
    path = os.path.abspath(path)  # the working folder may change
    url = URL.create("sqlite", database=path)
    return Place(url=url, path=path, name=f"store {path}")


def _server(text: str) -> Place:
    try:
        url = make_url(text).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise StoreError(f"a store is {SHAPES}, not {excerpt(text)}") from None
    port = f":{url.port}" if url.port else ""
    where = f"{url.host or 'localhost'}{port}/{url.database or ''}"
    return Place(url=url, path="", name=f"store postgresql://{where}")
