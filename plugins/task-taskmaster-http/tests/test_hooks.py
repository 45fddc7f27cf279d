"""Rules of hooks: signatures, templates, and what is not for them."""

import base64
import hashlib
import hmac
import json

import pytest

RULES = """
[[hook]]
name = "github"
type = "build"
template = "repo/{json:repository.full_name}?ref={json:ref}&by={header:X-Who}"
meta = { commit = "{json:commits.0.id}", at = "{yyyy}" }
secret = "s3cret"
when = { "header:X-GitHub-Event" = "push", "json:deleted" = ["false"] }
key = "X-GitHub-Delivery"

[[hook]]
name = "other"
type = "load"
secret_env = "HOOK_SECRET"
header = "X-Sign"
algorithm = "sha512"
encoding = "base64"
"""
PUSH = {
    "ref": "refs/heads/a&b",
    "deleted": False,
    "repository": {"full_name": "me/it"},
    "commits": [{"id": "abc"}],
}


@pytest.fixture
def hooks(service, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "another")
    return service.start(RULES)


def signed(value, secret=b"s3cret", **more):
    body = json.dumps(value).encode()
    sign = hmac.new(secret, body, "sha256").hexdigest()
    named = {
        "X_Hub_Signature_256": f"sha256={sign}",
        "X_GitHub_Event": "push",
        "X_Who": "x",
    }
    return {"path": "/hooks/github", "body": body, **named, **more}


def test_a_signed_call_becomes_a_task(hooks):
    """Values of the body are put in so that they stay what they are."""
    status, _, told = hooks.call(**signed(PUSH))
    (task,) = hooks.sent("build")
    assert (status, told["id"]) == (202, task.id)
    assert task.info == "repo/me/it?ref=refs/heads/a%26b&by=x"
    assert task.meta.startswith("at=20")
    assert task.meta.endswith("&commit=abc")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"secret": b"wrong"}, "the signature in X-Hub-Signature-256 is not that of"),
        ({"X_Hub_Signature_256": "sha256=xyz"}, "the signature in"),
        ({"X_Hub_Signature_256": ""}, "the signature in"),
        ({"body": b"{}"}, "the signature in"),
        ({"drop": True}, "the header X-Hub-Signature-256 with a signature is wanted"),
    ],
)
def test_a_call_with_another_signature_is_refused(hooks, change, text):
    """Before anything of it is read."""
    drop = change.pop("drop", False)
    call = signed(PUSH, **change)
    if drop:
        del call["X_Hub_Signature_256"]
    status, _, told = hooks.call(**call)
    assert (status, told["error"].startswith(text)) == (401, True)
    assert hooks.sent("build") == []


def test_signatures_are_made_in_several_ways(hooks):
    """With the hash and the spelling that the hook is told."""
    sign = base64.b64encode(hmac.digest(b"another", b"x", hashlib.sha512)).decode()
    assert hooks.call("/hooks/other", b"x", X_Sign=sign)[0] == 202
    assert hooks.call("/hooks/other", b"y", X_Sign=sign)[0] == 401
    assert len(hooks.sent()) == 1


@pytest.mark.parametrize(
    "call",
    [
        signed(PUSH, X_GitHub_Event="ping"),
        signed({**PUSH, "deleted": True}),
        signed({}),
    ],
)
def test_what_a_hook_is_not_for_is_answered_and_not_sent(hooks, call):
    """Or the other system would call again and again."""
    status, _, told = hooks.call(**call)
    assert status == 200
    assert told == {"ignored": "it is not what hook 'github' is for"}
    assert hooks.sent("build") == []


def test_what_a_template_wants_must_be_there(hooks):
    """The answer names it."""
    status, _, told = hooks.call(**signed({**PUSH, "commits": []}))
    assert (status, told["error"]) == (422, "the call has no value 'commits.0.id'")


def test_a_call_that_comes_again_sends_once(hooks):
    """Other systems repeat what was answered late."""
    call = signed(PUSH, X_GitHub_Delivery="d-1")
    first, second = hooks.call(**call), hooks.call(**call)
    assert (first[0], first[2]) == (second[0], second[2])
    assert len(hooks.sent("build")) == 1


EACH = """
[[hook]]
name = "each"
type = "load"
template = "{yyyy}-{mm}-{dd}T{hh}:{min}:{ss}/{uuid}?order={json:order}"
meta = { mark = "{uuid}" }
key = "X-Delivery"
"""


def test_a_call_that_comes_again_is_known_though_its_template_makes_it_anew(service):
    """By what it says, not by the time and `{uuid}`; the first text is the one sent."""
    service.start(EACH)
    one, again = {"order": 7, "attempt": 1}, {"attempt": 2, "order": 7}
    first = service.call("/hooks/each", one, X_Delivery="d-1")
    for body in (one, again):
        second = service.call("/hooks/each", body, X_Delivery="d-1")
        assert (second[0], second[2]) == (202, first[2])
    (task,) = service.sent()
    assert task.id == first[2]["id"]
    status, _, told = service.call("/hooks/each", {"order": 8}, X_Delivery="d-1")
    assert status == 422
    text = "this X-Delivery was used for other tasks: give each request its own"
    assert told["error"] == text
    status, _, told = service.call("/hooks/each", one, X_Delivery="")
    assert (status, told["error"][:23]) == (400, "the header X-Delivery h")
    assert service.sent() == []


def test_a_body_that_is_no_json_is_told(hooks):
    """When the hook asks for something in it."""
    body = b"no"
    sign = hmac.new(b"s3cret", body, "sha256").hexdigest()
    headers = {"X_Hub_Signature_256": f"sha256={sign}", "X_GitHub_Event": "push"}
    status, _, told = hooks.call("/hooks/github", body, **headers)
    assert (status, told["error"].startswith("this is no JSON")) == (400, True)


def test_a_hook_may_be_called_with_a_query(hooks):
    """Other systems have their own."""
    call = signed(PUSH, path="/hooks/github?from=them")
    assert hooks.call(**call)[0] == 202
