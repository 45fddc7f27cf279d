"""Rules of `task_core.launcher.status`: what clients may cost, and what they get."""

import contextlib
import http.client
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from task_core.errors import UsageError
from task_core.launcher import status
from task_core.launcher.listening import split_address
from task_core.launcher.status import Pages, StatusServer


@pytest.fixture
def serve():
    """`serve(info=…)` starts a server; it is closed after the test."""
    started = []

    def make(address="127.0.0.1:0", **pages):
        started.append(StatusServer(address, Pages(**{"info": dict, **pages})))
        return started[-1]

    yield make
    for one in started:
        one.close()


def get(server, path, method="GET"):
    """Return status and body."""
    host, port = split_address(server.address)
    client = http.client.HTTPConnection(host, port, timeout=30)
    try:
        client.request(method, path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def connect(server):
    return socket.create_connection(split_address(server.address), timeout=30)


def test_live_is_live_and_asks_nobody(serve):
    """Whatever has become of the rest."""
    server = serve(info=None, unready=None)
    assert get(server, "/live") == (200, "live\n")


@pytest.mark.parametrize(("reason", "code"), [("", 200), ("the bus is away", 503)])
def test_ready_says_why_not(serve, reason, code):
    """In its body, for people."""
    server = serve(unready=lambda: reason)
    assert get(server, "/ready?x=1") == (code, f"{reason or 'ready'}\n")


def test_info_is_json(serve):
    """Whatever a taskmaster puts into it."""
    server = serve(info=lambda: {"a": 1, "b": socket})
    code, body = get(server, "/info")
    assert (code, json.loads(body)["a"]) == (200, 1)


def test_hooks_may_have_pages(serve):
    """And paths that nobody knows are told so."""
    metrics = (200, "text/x", b"12")
    server = serve(other=lambda path: metrics if path == "/metrics" else None)
    assert get(server, "/metrics") == (200, "12")
    assert get(server, "/metrics", "HEAD") == (200, "")
    assert get(server, "/nope")[0] == 404
    assert get(server, "/live", "POST")[0] == 405


def test_a_page_that_raises_is_an_answer(serve):
    """And the next one is asked again."""
    server = serve(info=lambda: 1 / 0)
    for _ in range(2):
        assert get(server, "/info")[0] == 503


def test_a_page_that_hangs_harms_no_other(serve, monkeypatch):
    """It has one thread, however often it is asked for."""
    monkeypatch.setattr(status, "SLOW", 0.05)
    hangs = threading.Event()
    asked = []
    server = serve(info=lambda: asked.append(1) or hangs.wait() or {})
    assert get(server, "/info")[0] == 503
    assert get(server, "/info")[0] == 503
    assert get(server, "/live") == (200, "live\n")
    assert len(asked) == 1
    hangs.set()


@pytest.mark.parametrize("path", ["/info", "/ready"])
def test_two_who_ask_at_the_same_moment_are_both_told(serve, path, monkeypatch):
    """Of one page that is made once, however quickly that is."""
    monkeypatch.setattr(status, "SLOW", 60.0)
    monkeypatch.setattr(status, "PATIENCE", 60.0)
    asked, may_go = [], threading.Event()

    def make():
        asked.append(1)
        may_go.wait()
        return {} if path == "/info" else ""

    met = threading.Semaphore(0)
    server = serve(info=make, unready=make)
    page = server._page

    async def meet(path):
        met.release()
        return await page(path)

    monkeypatch.setattr(server, "_page", meet)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(get, server, path) for _ in range(2)]
        for _ in answers:
            assert met.acquire(timeout=60)
        may_go.set()
        assert [one.result()[0] for one in answers] == [200, 200]
    assert asked == [1]


def test_a_thread_that_cannot_be_started_costs_one_answer(serve, monkeypatch):
    """The system may have one more a moment later."""
    server = serve()
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "status":
            monkeypatch.setattr(threading.Thread, "start", start)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert get(server, "/ready") == (503, "cannot be made: can't start new thread\n")
    assert get(server, "/ready") == (200, "ready\n")


@pytest.mark.parametrize(
    "request_",
    [b"\r\n\r\n", b"hello\r\n\r\n", b"GET /live\r\n\r\n", b"\xff\x00 / x\r\n\r\n"],
)
def test_what_is_no_http_is_refused(serve, request_):
    """With a line for people."""
    with connect(serve()) as client:
        client.sendall(request_)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


def test_a_request_that_is_too_long_is_refused(serve):
    """It is not even read."""
    with connect(serve()) as client:
        client.sendall(b"GET /" + b"x" * 2 * status.MOST_BYTES)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


def test_a_client_that_says_nothing_is_cut_off(serve, monkeypatch):
    """After a while."""
    monkeypatch.setattr(status, "PATIENCE", 0.05)
    with connect(serve()) as client:
        client.sendall(b"GET /li")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_many_idle_clients_keep_nobody_out(serve, monkeypatch):
    """The oldest of them goes."""
    monkeypatch.setattr(status, "MOST_CLIENTS", 4)
    server = serve()
    idle = [connect(server) for _ in range(10)]
    try:
        assert get(server, "/live") == (200, "live\n")
    finally:
        for client in idle:
            client.close()


def test_an_address_that_is_in_use_is_told_in_a_line(serve):
    """And no thread is left."""
    server = serve()
    with pytest.raises(UsageError, match="cannot listen at .*: Address already in use"):
        serve(server.address)


@pytest.mark.parametrize(
    "text", ["", "8123", "a:", ":1", "a:99999", "a:x", "[::1]", "unix:"]
)
def test_what_is_no_address_is_told_with_an_example(text):
    """In a line."""
    with pytest.raises(UsageError, match=r"for example\s+127.0.0.1:8123"):
        StatusServer(text, Pages(info=dict))


def ask_at_path(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read()


def test_a_path_of_a_dead_process_is_taken_over_and_one_in_use_is_not(serve, tmp_path):
    """The file goes with the server."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    server = serve(f"unix:{path}")
    assert ask_at_path(path).endswith(b"live\n")
    with pytest.raises(UsageError, match="Address already in use"):
        serve(f"unix:{path}")
    server.close()
    assert not os.path.exists(path)


def test_a_file_at_the_path_stays(serve, tmp_path):
    """It is no socket."""
    (tmp_path / "s").write_text("data")
    with pytest.raises(UsageError, match="Address already in use"):
        serve(f"unix:{tmp_path}/s")
    assert (tmp_path / "s").read_text() == "data"


def test_a_socket_of_another_kind_stays(serve, tmp_path):
    """It refuses nobody: it may be that of a log."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(path)
        with pytest.raises(UsageError, match="Address already in use"):
            serve(f"unix:{path}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.connect(path)


def test_the_file_of_a_successor_stays(serve, tmp_path):
    """Whoever gave it the place of ours."""
    path = str(tmp_path / "s")
    server = serve(f"unix:{path}")
    os.unlink(path)
    serve(f"unix:{path}")
    server.close()
    assert ask_at_path(path).endswith(b"live\n")


def test_who_asks_for_something_else_is_told_what_there_is():
    """And what the several of one address have."""
    page = Pages(info=dict, more=", and /1/metrics").page("/metrics")
    told = b"there is /live, /ready and /info, and /1/metrics\n"
    assert (page[0], page[2]) == (404, told)
