"""Rules of `task_core.uri`."""

import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.uri import (
    PARTS,
    addresses_of,
    join_uri,
    split_query,
    split_uri,
    take_apart,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
HOSTS = st.from_regex(r"[a-z0-9.-]{1,12}(:[0-9]{1,4})?", fullmatch=True)


def parts_of(text):
    return {name: piece for name, piece in split_uri(text)[0].items() if piece}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", {}),
        ("hello", {"path": "hello", "filename": "hello", "origin": "hello"}),
        (
            "s3://bucket/dir/a.json?x=1#top",
            {
                "scheme": "s3",
                "authority": "bucket",
                "host": "bucket",
                "path": "/dir/a.json",
                "filename": "a.json",
                "fragment": "top",
                "origin": "s3://bucket/dir/a.json",
            },
        ),
        (
            "HTTP://Me:p%40ss@Host:80/",
            {
                "scheme": "http",
                "authority": "Me:p%40ss@Host:80",
                "userinfo": "Me:p@ss",
                "username": "Me",
                "password": "p@ss",
                "host": "Host:80",
                "path": "/",
                "origin": "http://Host:80/",
            },
        ),
        ("/dir/", {"path": "/dir/", "origin": "/dir/"}),
        ("//host", {"authority": "host", "host": "host", "origin": "://host"}),
        ("?a=1", {}),
        ("#a b", {"fragment": "a b"}),
        ("a%20b", {"path": "a b", "filename": "a b", "origin": "a b"}),
        ("a+b", {"path": "a+b", "filename": "a+b", "origin": "a+b"}),
        ("a\tb\nc", {"path": "a\tb\nc", "filename": "a\tb\nc", "origin": "a\tb\nc"}),
    ],
)
def test_a_uri_comes_apart(text, parts):
    """Every piece has its name; only the case of the scheme is lost."""
    assert parts_of(text) == parts


RFC_3986 = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?",
    re.DOTALL,
)


@given(TEXT | st.text("aZ0:/?#@%-._\n"))
def test_a_uri_comes_apart_as_its_rfc_says(text):
    """Appendix B of RFC 3986, but for a scheme that is none."""
    assert take_apart(text) == RFC_3986.fullmatch(text).groups("")


@given(TEXT)
def test_any_text_is_a_uri(text):
    """There is no bad one: it is a path at worst."""
    parts, _ = split_uri(text)
    assert parts.keys() == PARTS.keys()


@given(TEXT)
def test_a_query_is_read_as_the_standard_library_reads_it(text):
    """Only faster."""
    assert split_query(text) == parse_qsl(text, keep_blank_values=True)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("flag", [("flag", "")]),
        ("a=", [("a", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=x+y%09z", [("a", "x y\tz")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a=100%", [("a", "100%")]),
        ("&&a=1&", [("a", "1")]),
        ("A=1&a=2", [("A", "1"), ("a", "2")]),
    ],
)
def test_what_a_query_holds(query, pairs):
    """`+` is a blank, `;` and a stray `%` are text, names keep their case."""
    assert split_query(query) == pairs


@given(
    scheme=st.sampled_from(["s3", "file", "http"]),
    host=HOSTS,
    path=TEXT.map(lambda text: f"/{text}"),
    fragment=TEXT,
    query=st.lists(st.tuples(WORDS, TEXT)),
)
def test_what_is_put_together_comes_apart(scheme, host, path, fragment, query):
    """Whatever signs the pieces hold."""
    given_parts = {"scheme": scheme, "host": host, "path": path, "fragment": fragment}
    parts, pairs = split_uri(join_uri(given_parts, query))
    assert {name: parts[name] for name in given_parts} == given_parts
    assert pairs == query


@given(username=WORDS, password=WORDS, host=HOSTS)
def test_a_user_and_password_come_apart(username, password, host):
    """Also with `@`, `:` and `/` inside."""
    given_parts = {"username": username, "password": password, "host": host}
    parts, _ = split_uri(join_uri(given_parts, []))
    assert {name: parts[name] for name in given_parts} == given_parts


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"origin": "s3://b/a b.csv"}, "s3://b/a%20b.csv?n=1"),
        ({"filename": "a.csv"}, "a.csv?n=1"),
        ({"authority": "u:p@h:1", "path": "/a"}, "//u:p@h:1/a?n=1"),
        ({"userinfo": "u:p", "host": "h"}, "//u:p@h?n=1"),
        ({"scheme": "nop", "path": "a"}, "nop:a?n=1"),
    ],
)
def test_pieces_that_hold_others(parts, text):
    """`origin`, `filename`, `authority` and `userinfo` may stand for smaller ones."""
    assert join_uri(parts, [("n", "1")]) == text


def test_a_path_that_begins_like_an_authority_stays_a_path():
    """An empty authority before it says so."""
    assert join_uri({"path": "//a/b"}, []) == "////a/b"
    assert parts_of("////a/b")["path"] == "//a/b"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a", [("a", 1)]),
        ("a:2, b", [("a", 2), ("b", 1)]),
        ("::1", [("::1", 1)]),
        ("[::1]", [("::1", 1)]),
        ("[::1]:3,c:4", [("::1", 3), ("c", 4)]),
    ],
)
def test_several_servers_are_named_in_one_text(text, addresses):
    """Each with a port of its own, or the usual one."""
    assert addresses_of(text, 1) == addresses


@pytest.mark.parametrize("text", ["", "a:b", "a,", ":1", "a:70000", "[]:1"])
def test_what_is_no_address_is_told(text):
    """By what it is."""
    with pytest.raises(ValueError, match="a server is HOST or HOST:PORT"):
        addresses_of(text, 1)
