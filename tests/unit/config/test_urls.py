"""Rules of `task_core.config.urls`."""

import attrs
import pytest

from task_core.config.sources import Section
from task_core.config.urls import hide_in_url, url_layer
from task_core.options import UrlPart, option
from task_core.shown import HIDDEN


@attrs.frozen(kw_only=True)
class Broker:
    hosts: tuple[str, ...] = option((), help="Hosts.", url=UrlPart.AUTHORITY)
    vhost: str = option("", help="Virtual host.", url=UrlPart.PATH)
    max_attempts: int = option(1, help="Attempts.")
    api_token: str = option("", help="Token.", secret=True)


@attrs.frozen(kw_only=True)
class File:
    path: str = option("", help="File.", url=UrlPart.LOCATION)
    follow: bool = option(False, help="Go on.")


@attrs.frozen(kw_only=True)
class Plain:
    size: int = option(1, help="Size.")


@attrs.frozen(kw_only=True)
class Secret:
    url: str = option(help="Signed.", secret=True, url=UrlPart.LOCATION)


BROKER = Section(options=Broker, table=("bus", "nsq"), flag="bus-")
FILE = Section(options=File, table=("bus", "file"), flag="bus-")
PLAIN = Section(options=Plain, table=("bus", "plain"), flag="bus-")
SECRET = Section(options=Secret, table=("bus", "x"), flag="bus-")


def values(layer):
    return {name: raw.value for name, raw in layer.values.items()}


@pytest.mark.parametrize(
    ("section", "url", "wanted"),
    [
        (
            FILE,
            "file://tasks.json?follow=true",
            {"path": "tasks.json", "follow": "true"},
        ),
        (FILE, "file:///abs/x.json", {"path": "/abs/x.json"}),
        (FILE, "file://a/b.json", {"path": "a/b.json"}),
        (FILE, "file:-", {"path": "-"}),
        (FILE, "file:what?ever%20it=is", {"path": "what?ever%20it=is"}),
        (
            FILE,
            "file:a?b%20c?follow=true",
            {"path": "a?b%20c", "follow": "true"},
        ),
        (FILE, "file://a%20b.json?follow", {"path": "a b.json", "follow": "true"}),
        (FILE, "file:x.json?follow=", {"path": "x.json", "follow": "true"}),
        (FILE, "file:", {}),
        (FILE, "file://", {}),
        (
            BROKER,
            "nsq://a:1,b:2?max-attempts=3",
            {"hosts": "a:1,b:2", "max_attempts": "3"},
        ),
        (BROKER, "nsq://u:p@h:1/v%2Fh", {"hosts": "u:p@h:1", "vhost": "/v/h"}),
        (BROKER, "nsq://h?api_token=a%26b", {"hosts": "h", "api_token": "a&b"}),
        (PLAIN, "plain://?size=2", {"size": "2"}),
    ],
)
def test_parts_of_a_url_go_to_the_options_that_ask_for_them(section, url, wanted):
    """Authority, path, both together, and the query by name; percent-decoded."""
    layer = url_layer(section, url)
    assert values(layer) == {name: (text,) for name, text in wanted.items()}
    assert layer.unknown == {}


def test_a_query_key_may_be_repeated():
    """As a flag may."""
    assert values(url_layer(BROKER, "nsq://?hosts=a&hosts=b")) == {"hosts": ("a", "b")}


@pytest.mark.parametrize(
    ("section", "url", "unknown"),
    [
        (BROKER, "nsq://h?hots=a&hots=b", {"hots": "'hots' in the URL"}),
        (FILE, "file:a?folow=1", {"folow": "'folow' in the URL"}),
        (PLAIN, "plain://host", {"authority": "'host' in the URL"}),
        (FILE, "file://a#1.json", {"fragment": "'#1.json' in the URL"}),
        (PLAIN, "plain:///a", {"path": "'/a' in the URL"}),
        (PLAIN, "plain:rest", {"location": "'rest' in the URL"}),
        (BROKER, "nsq:h", {"location": "'h' in the URL without //"}),
        (PLAIN, "plain://u:p@h", {"authority": f"'u:{HIDDEN}@h' in the URL"}),
    ],
)
def test_what_no_option_takes_is_reported(section, url, unknown):
    """Nothing of a URL is dropped silently, and no password shown."""
    assert url_layer(section, url).unknown == unknown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "nsq://h?api_token=x&max_attempts=2",
            f"nsq://h?api_token={HIDDEN}&max_attempts=2",
        ),
        (
            "nsq://h?max_attempts=2&api-token=x",
            f"nsq://h?max_attempts=2&api-token={HIDDEN}",
        ),
        ("nsq://u:p@h/v", f"nsq://u:{HIDDEN}@h/v"),
        ("nsq://h", "nsq://h"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    """Those of secret options, and passwords."""
    assert hide_in_url(BROKER, url) == shown


def test_a_url_that_is_a_secret_is_not_shown():
    """For example a signed address."""
    assert hide_in_url(SECRET, "x://a/b") == f"x:{HIDDEN}"


@attrs.frozen(kw_only=True)
class Login:
    host: str = option("localhost", help="H.", url=UrlPart.HOST)
    port: int = option(1, help="P.", url=UrlPart.PORT)
    username: str = option("", help="U.", url=UrlPart.USERNAME)
    password: str = option("", help="W.", url=UrlPart.PASSWORD, secret=True)


LOGIN = Section(options=Login, table=("bus", "login"), flag="bus-")


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("a", {"host": "a"}),
        ("a:7", {"host": "a", "port": "7"}),
        ("[::1]:7", {"host": "::1", "port": "7"}),
        ("[::1]", {"host": "::1"}),
        ("a:7:8", {"host": "a", "port": "7:8"}),
        ("a:7,b:8", {"host": "a:7,b", "port": "8"}),
        ("[::1]:7,[::2]", {"host": "[::1]:7,[::2]"}),
        ("u@a", {"host": "a", "username": "u"}),
        ("u:p%40%2F@a", {"host": "a", "username": "u", "password": "p@/"}),
        (":p@a", {"host": "a", "password": "p"}),
    ],
)
def test_the_parts_of_an_authority_go_to_the_options_that_ask_for_them(
    authority, expected
):
    """Decoded; who asks for none of them gets the authority as it is."""
    layer = url_layer(LOGIN, f"login://{authority}")
    assert {name: raw.value[0] for name, raw in layer.values.items()} == expected
    assert layer.unknown == {}


def test_a_part_that_nobody_asks_for_is_unknown_and_a_password_never_shown():
    """The path, here; and a password where there is no option for one."""
    assert url_layer(LOGIN, "login://a/x").unknown == {"path": "'/x' in the URL"}

    @attrs.frozen(kw_only=True)
    class Host:
        host: str = option("", help="H.", url=UrlPart.HOST)

    section = Section(options=Host, table=("bus", "h"), flag="bus-")
    unknown = url_layer(section, "h://u:secret@a").unknown
    assert set(unknown) == {"username", "password"}
    assert "secret" not in str(unknown)
