"""Rules of tokens, of who may send without, and of how often."""

import pytest
from click.testing import CliRunner
from task_taskmaster_http.command import command
from task_taskmaster_http.options import Options
from task_taskmaster_http.problem import RequestError
from task_taskmaster_http.rates import MOST_KNOWN, Rates
from task_taskmaster_http.rules import read_rules
from task_taskmaster_http.taskmaster import make_taskmaster
from task_taskmaster_http.tokens import Token, Tokens, hash_of, new_token

from task_core.api import OptionError, UsageError

FREE = "without a token where only this machine reaches it"
SHOP, OTHER = new_token(), new_token()
RULES = f"""
[[token]]
name = "shop"
hash = "{hash_of(SHOP)}"
types = ["load", "report-*"]
topics = ["load", "report-*"]

[[token]]
name = "other"
hash = "{hash_of(OTHER)}"
rate = 1
"""


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_never_the_same_and_its_hash_tells_nothing():
    """256 random bits."""
    assert new_token() != new_token()
    assert SHOP not in hash_of(SHOP)
    assert len(SHOP) > 43
    assert hash_of(SHOP) not in repr(Token(name="shop", hash=hash_of(SHOP)))


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "a token is wanted: send the header 'Authorization: Bearer TOKEN'"),
        ({"Authorization": "Basic eDp5"}, "a token is wanted"),
        ({"Authorization": "Bearer "}, "a token is wanted"),
        (bearer("task_wrong"), "this token is not known"),
    ],
)
def test_without_a_token_nothing_is_sent(service, headers, text):
    """The answer says what is wanted, and nothing of what there is."""
    service.start(RULES)
    status, told_headers, told = service.call("/tasks", {"type": "load"}, **headers)
    assert (status, told["error"].startswith(text)) == (401, True)
    assert told_headers["WWW-Authenticate"] == 'Bearer realm="task"'
    assert service.sent() == []


def test_a_token_sends_what_it_may(service):
    """Types and topics by pattern; of a list, all or nothing."""
    service.start(RULES)
    service.watch("report-daily")
    right, wrong = {"type": "report-daily"}, {"type": "load", "topic": "secret"}
    assert service.call("/tasks", right, **bearer(SHOP))[0] == 202
    status, _, told = service.call("/tasks", [right, wrong], **bearer(SHOP))
    assert (status, told["error"]) == (
        403,
        "token 'shop' may not send topic 'secret'",
    )
    status, _, told = service.call("/tasks", {"type": "build"}, **bearer(SHOP))
    assert (status, told["error"]) == (403, "token 'shop' may not send type 'build'")
    assert len(service.sent("report-daily")) == 1
    assert service.call("/tasks", {"type": "build"}, **bearer(OTHER))[0] == 202


def test_types_alone_say_where_to_as_well():
    """Who reads a topic does what comes there: `load` may not go to topic `drop`."""
    token = Token(name="shop", types=["load", "report-*"])
    token.check("load", "load")
    token.check("load", "report-daily")
    with pytest.raises(RequestError, match="may not send topic 'drop'"):
        token.check("load", "drop")
    Token(name="all").check("load", "drop")
    Token(name="some", types=["load"], topics=["*"]).check("load", "drop")


def test_check_tells_what_rules_allow(tmp_path):
    """Or all that is wrong with them."""
    path = tmp_path / "rules.toml"
    hooks = '[[hook]]\nname = "git"\ntype = "build"\ntopic = "ci"\nsecret = "s"\n'
    path.write_text(RULES + hooks)
    done = CliRunner().invoke(command, ["check", str(path)], catch_exceptions=False)
    assert done.output.splitlines() == [
        "token shop may send load, report-* to load, report-*",
        "token other may send anything to any topic",
        "POST /hooks/git, signed: build to ci",
    ]
    path.write_text(f"{RULES}\n[[hoook]]\n")
    with pytest.raises(OptionError, match="unknown key 'hoook': did you mean 'hook'"):
        CliRunner().invoke(command, ["check", str(path)], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", []),
        (
            "[[hook]]\nname='a'\ntype='x'\n[[hook]]\nname='b'\ntype='y'\nsecret='s'",
            [
                f"POST /hooks/a, {FREE}: x to x",
                "POST /hooks/b, signed: y to y",
            ],
        ),
    ],
)
def test_check_tells_what_is_served_without_tokens(tmp_path, text, told):
    """An empty file allows something, too."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    done = CliRunner().invoke(command, ["check", str(path)], catch_exceptions=False)
    assert done.output.splitlines() == [
        f"POST /tasks, {FREE}: anything to any topic",
        *told,
    ]


def test_the_lines_of_a_new_token_are_right_and_do_not_hold_it(tmp_path, capsys):
    """It is told beside them, where no file gets it."""
    words = ["token", "shop", "--type", "load", "--topic", "a b"]
    command.main(words, standalone_mode=False)
    lines, told = capsys.readouterr()
    made = told.splitlines()[-1]
    assert made.startswith("task_")
    assert made not in lines
    path = tmp_path / "rules.toml"
    path.write_text(lines)
    (token,) = read_rules(path).tokens
    assert token == Token(
        name="shop", hash=hash_of(made), types=("load",), topics=("a b",)
    )


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["shop", "--type", ""], "--type"),
        (["shop", "--type", "a", "--topic", " "], "--topic"),
        ([""], "NAME"),
    ],
)
def test_a_token_that_check_would_refuse_is_not_made(words, what):
    """Nobody finds it at the next start."""
    with pytest.raises(UsageError, match=f"{what} must not be empty"):
        CliRunner().invoke(command, ["token", *words], catch_exceptions=False)


def test_a_token_comes_so_often(service, monkeypatch):
    """The answer to one too many says when to come again; others may go on."""
    stopped = lambda monotonic: Rates(lambda: 0.0)  # noqa: E731
    monkeypatch.setattr("task_taskmaster_http.app.Rates", stopped)
    service.start(RULES)
    assert service.call("/tasks", {"type": "load"}, **bearer(OTHER))[0] == 202
    status, headers, told = service.call("/tasks", {"type": "load"}, **bearer(OTHER))
    assert (status, headers["Retry-After"]) == (429, "1")
    assert told["error"] == "more than 1 requests a second: come again later"
    assert service.call("/tasks", {"type": "load"}, **bearer(SHOP))[0] == 202


def test_a_page_of_somebody_else_sends_nothing(service):
    """Its name may lead to this machine; without tokens, only this machine may."""
    service.start()
    for host in ("evil.example", "evil.example:8080", ""):
        status, _, told = service.call("/tasks", {"type": "load"}, Host=host)
        assert (status, "only this machine may send" in told["error"]) == (403, True)
    for host in ("localhost:8080", "127.0.0.1", "[::1]", "[::1]:8080"):
        assert service.call("/tasks", {"type": "load"}, Host=host)[0] == 202
    assert len(service.sent()) == 4


@pytest.mark.parametrize("page", ["http://evil.example:8080", "https://x", "null", ""])
@pytest.mark.parametrize("address", ["/tasks", "/hooks/open", "/backload"])
def test_a_form_of_another_site_sends_nothing(service, tmp_path, address, page):
    """A browser sends it without asking: flowlord's backload executes it."""
    (tmp_path / "flow.toml").write_text(
        '[[phase]]\ntask = "load"\ncron = "@daily"\ntemplate = "x"\n'
    )
    rules = '[[hook]]\nname = "open"\ntype = "load"\ntemplate = "x"\n'
    service.start(rules, workflows=tmp_path / "flow.toml")
    body = {"type": "load"}
    if address == "/backload":
        body = {"task": "load", "at": "2026-01-01", "execute": True}
    status, _, told = service.call(address, body, Origin=page)
    assert (status, "no page of another site may send" in told["error"]) == (403, True)
    assert service.sent() == []
    assert service.call(address, body, Origin="http://localhost:80")[0] == 202
    assert service.call(address, body)[0] == 202


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:80"])
def test_others_are_not_served_without_tokens(address, tmp_path):
    """Closed by default."""
    with pytest.raises(OptionError, match="tokens are needed in the rules file"):
        make_taskmaster(Options(address=address))
    rules = tmp_path / "rules.toml"
    rules.write_text('[[hook]]\nname = "x"\ntype = "build"\n')
    with pytest.raises(OptionError, match="hook 'x' needs a secret, or tokens are"):
        make_taskmaster(Options(address=address, rules=rules))
    rules.write_text(RULES)
    assert make_taskmaster(Options(address=address, rules=rules)).info()["tokens"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "shop.example"])
def test_where_others_come_tokens_are_what_is_missing(service, host):
    """Whatever it is asked for as: with hooks alone, nobody may send a task."""
    rules = '[[hook]]\nname = "x"\ntype = "build"\nsecret = "s3cret"\n'
    service.start(rules, address="0.0.0.0:0")
    status, _, told = service.call("/tasks", {"type": "load"}, Host=host)
    assert status == 403
    assert told["error"] == (
        "there are no tokens here, and others reach it: only hooks are served;"
        " 'task http token NAME' makes a token for the rules file"
    )


@pytest.mark.parametrize("address", ["", "8080", "localhost", "localhost:x", "a:70000"])
def test_an_address_is_a_host_and_a_port(address):
    """Anything else is told before anything runs."""
    with pytest.raises(OptionError, match="HOST:PORT is wanted"):
        make_taskmaster(Options(address=address))


def test_all_tokens_are_compared_whichever_it_is():
    """The time tells nothing; an unknown one is refused."""
    tokens = Tokens([Token(name=str(it), hash=hash_of(str(it))) for it in range(3)])
    assert tokens.find("bearer 1").name == "1"
    with pytest.raises(RequestError, match="not known"):
        tokens.find("Bearer 7")


def test_a_guest_may_have_a_second_at_once_and_then_one_by_one():
    """A burst is no crime."""
    now = [0.0]
    rates = Rates(lambda: now[0])
    for _ in range(10):
        rates.check("a", 10)
    with pytest.raises(RequestError):
        rates.check("a", 10)
    rates.check("b", 10)
    now[0] += 0.1
    rates.check("a", 10)
    with pytest.raises(RequestError):
        rates.check("a", 10)
    for _ in range(100):
        rates.check("free", 0)


def test_guests_are_forgotten_in_time():
    """Addresses are many; the memory is not."""
    now = [0.0]
    rates = Rates(lambda: now[0])
    for number in range(MOST_KNOWN + 100):
        rates.check(str(number), 1)
    assert len(rates._full) <= MOST_KNOWN
    now[0] += 10
    rates._forget(now[0])
    assert rates._full == {}
