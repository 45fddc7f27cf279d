"""Rules of `task_core.shown`."""

import json
import re
import time
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from task_core import shown as module
from task_core.errors import excerpt
from task_core.shown import (
    HIDDEN,
    hide_secrets,
    noun,
    printable,
    printable_json,
    shown,
    tell_secret,
    tell_url,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SECRETS = st.text(
    st.sampled_from("abcXYZ0123/,@?#&=:%+ \\\"'é"), min_size=4, max_size=12
).filter(lambda text: len(set(text)) > 2 and text.strip("*"))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("amqp://guest:s3cret@host:5672/x", f"amqp://guest:{HIDDEN}@host:5672/x"),
        ("redis://:s3cret@host", f"redis://:{HIDDEN}@host"),
        ("u:p@a:1,v:q@b:2", f"u:{HIDDEN}@a:1,v:{HIDDEN}@b:2"),
        ("cannot read 'u:p@a'", f"cannot read 'u:{HIDDEN}@a'"),
        ("nsq://u:pa/ss@host", f"nsq://u:{HIDDEN}@host"),
        ("nsq://u:pa,ss@host", f"nsq://u:{HIDDEN}@host"),
        ("nsq://u:pa@ss@host", f"nsq://u:{HIDDEN}@host"),
        ("user@host", "user@host"),
        ("host:4150", "host:4150"),
        ("http://host:4150/a@b", "http://host:4150/a@b"),
        ("mail me@home: soon", "mail me@home: soon"),
        ("x?auth_secret=abc&n=1", f"x?auth_secret={HIDDEN}&n=1"),
        ("x?auth%5Fsecret=abc", f"x?auth%5Fsecret={HIDDEN}"),
        ("x?AUTH_SECRET=abc", f"x?AUTH_SECRET={HIDDEN}"),
        ("sasl.password=abc,acks=all", f"sasl.password={HIDDEN},acks=all"),
        ('x password="a b";', f"x password={HIDDEN};"),
        ("give --bus-auth-secret", "give --bus-auth-secret"),
        ("key=value", "key=value"),
    ],
)
def test_secrets_are_known_by_where_they_stand(text, result):
    """Passwords of URLs, and the values of keys that are called like secrets."""
    assert hide_secrets(text) == result


@given(TEXT, SECRETS, TEXT)
def test_a_secret_that_was_told_is_never_shown(before, secret, after):
    """As it is, and as errors quote it."""
    assume(secret not in before + after)
    module._secrets.clear()
    tell_secret(secret)
    assert secret not in excerpt(f"{before}{secret}{after}")
    for form in (secret, repr(secret)[1:-1], quote(secret, safe="")):
        if form not in before + after:
            assert form not in shown(f"{before}{form}{after}")


@example('"@?=')
@example('"@0?=')
@example('0"@,')
@example("0,?0=")
@given(SECRETS)
def test_the_password_of_a_url_is_never_shown(password):
    """Whatever it holds, and wherever the URL comes apart."""
    assume(not re.match(r"\d+(,[^/?#@]+)*([/?#].*=.*)?$", password))  # a port, a query
    assume(not re.search(r"@[^/?#@]+\?[\w.%-]+=", password))  # a host, and a query
    module._secrets.clear()
    url = f"nsq://user:{password}@host:4150/path?size=1"
    tell_url(url)
    rest = url.partition("//")[2]
    authority, slash, path = rest.partition("/")
    for text in (url, rest, f"'{url}'", f"'{authority}'", f"'{slash}{path}'"):
        assert password not in shown(text), text


def test_a_port_is_no_password():
    """It would be blotted out wherever it stands."""
    tell_url("nsq://host:4150,other:4151/x?mail=me@home")
    assert shown("nsq://host:4150 other:4151") == "nsq://host:4150 other:4151"


def test_a_password_that_is_the_user_is_none():
    """`guest:guest` is what everybody has; to hide it would hide the user."""
    tell_url("amqp://guest:guest@host")
    assert shown("the user guest") == "the user guest"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("give postgres://NAME@HOST", "give postgres://NAME@HOST"),
        ("'postgresql://HOST'", "'postgresql://HOST'"),
        ("postgres://u:postgres@h", f"postgres://u:{HIDDEN}@h"),
        ("is it postgres?", f"is it {HIDDEN}?"),
        ("u:postgres://h", f"u:{HIDDEN}://h"),
        (r"a\npostgres://h", rf"a\n{HIDDEN}://h"),
        ("postgresX://", f"{HIDDEN}X://"),
    ],
)
def test_the_name_of_a_bus_at_its_url_is_no_password(text, result):
    """Hints would be none; and what is blotted out there would tell the password."""
    module._secrets.clear()
    tell_secret("postgres")
    assert hide_secrets(text) == result


def test_short_secrets_are_only_hidden_where_they_stand():
    """They are parts of other words."""
    tell_secret("ab")
    assert shown("a table") == "a table"


@given(st.text())
def test_nothing_that_is_shown_steers_a_terminal(text):
    """No control character, no changed direction, no line end, no half pair."""
    result = printable(text)
    kinds = {unicodedata.category(character) for character in result}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069") & set(result)
    result.encode()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("a\rb", "a\\rb"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("ünï ✓", "ünï ✓"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text, result):
    """As Python would write it; everything else stays."""
    assert printable(text) == result


def test_lines_stay_lines_where_there_may_be_several():
    """A traceback has some."""
    assert shown("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


@pytest.mark.parametrize("piece", ["secret", ";a:", "//a:", "//a:b", "a=secret"])
def test_a_long_text_is_shown_in_linear_time(piece):
    """Anybody may write an error, however long."""

    def seconds(times):
        text = "@" + piece * times + " ="
        start = time.process_time()
        shown(text)
        return time.process_time() - start

    short, long = (min(seconds(n) for _ in range(3)) for n in (2_000, 40_000))
    assert long < 100 * max(short, 0.001)


def test_json_stays_what_it_was():
    """Only its writing changes."""
    text = json.dumps({"a": "\x9b\u202e\n"}, indent=1, ensure_ascii=False)
    assert json.loads(printable_json(text)) == json.loads(text)
    assert "\x9b" not in printable_json(text)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "tasks wait"), (1, "task waits"), (2, "tasks wait")]
)
def test_one_is_told_as_one(count, words):
    """The word with an "s" is the rule, and need not be given."""
    assert noun(count, "task waits", "tasks wait") == words
    assert noun(count, "slot") == ("slot" if count == 1 else "slots")
