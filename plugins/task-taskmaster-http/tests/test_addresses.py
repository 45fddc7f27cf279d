"""Rules of addresses: those that are not there, and what may stand in a query."""

import pytest


def error(answer):
    return answer[0], answer[2]["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/tasks", 405, "/tasks takes POST, not GET"),
        ("GET", "/hooks/x", 405, "/hooks/x takes POST, not GET"),
        ("POST", "/task", 404, "there is no /task: GET / tells what there is"),
        ("POST", "/tasks/", 404, "there is no /tasks/: GET / tells what there is"),
        ("GET", "/live/", 404, "there is no /live/: GET / tells what there is"),
        ("POST", "/hooks/x", 404, "there is no hook 'x'"),
        (
            "POST",
            "/backload",
            501,
            "backload is not offered here: it needs --taskmaster-workflows",
        ),
    ],
)
def test_what_is_not_there_says_so(service, method, path, status, text):
    """No request that only looks changes anything."""
    service.start()
    assert error(service.call(path, b"{}", method)) == (status, text)


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        (
            "POST",
            "/tasks?tpoic=other",
            "unknown key 'tpoic' in the address: did you mean 'topic'?",
        ),
        ("POST", "/tasks?x", "unknown key 'x' in the address"),
        ("POST", "/tasks?topic=a&topic=b", "the key 'topic' is twice in the address"),
        ("POST", "/backload?execute=true", "unknown key 'execute' in the address"),
    ],
)
def test_a_query_that_nobody_reads_is_refused(service, method, path, text):
    """A task does not go to another topic than was asked for."""
    service.start()
    assert error(service.call(path, {"type": "load"}, method)) == (422, text)
    assert service.sent() == []


@pytest.mark.parametrize("path", ["/live?x=1", "/openapi.json?x=1", "/?x=1"])
def test_who_only_looks_may_ask_as_probes_do(service, path):
    """They add keys of their own, against caches."""
    service.start()
    assert service.call(path, method="GET")[0] == 200
