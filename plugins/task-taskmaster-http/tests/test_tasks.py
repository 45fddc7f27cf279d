"""Rules of `POST /tasks`: what is sent, and what is wrong with a request."""

import json
import socket
import threading
import time
from datetime import timedelta

import pytest

from task_core.api import BusConnectionError, PayloadError, SendError


def error(answer):
    return answer[0], answer[2]["error"]


def test_a_task_is_confirmed_before_it_is_answered(service):
    """It is on the bus by then, with its id."""
    service.start()
    status, _, told = service.call("/tasks", {"type": "load", "info": "a.csv"})
    (task,) = service.sent()
    assert status == 202
    assert told == {"id": task.id, "type": "load", "topic": "load"}
    assert (task.info, task.created[:2]) == ("a.csv", "20")


def test_all_of_a_task_may_be_told(service):
    """Meta as text, or as keys and values; where to in the task or in the address."""
    service.start()
    service.watch("elsewhere", "third")
    task = {
        "type": "load",
        "job": "daily",
        "info": "a?b=c",
        "meta": {"n": ["1", "2"], "file": "a&b"},
        "id": "7",
        "created": "2026-01-01T00:00:00Z",
        "topic": "elsewhere",
    }
    others = {"type": "load", "meta": "a=b"}
    assert service.call("/tasks?topic=third", [task, others])[0] == 202
    (first,), (second,) = service.sent("elsewhere"), service.sent("third")
    assert (first.job, first.meta, first.id) == ("daily", "file=a%26b&n=1&n=2", "7")
    assert first.created == "2026-01-01T00:00:00Z"
    assert second.meta == "a=b"


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl"])
def test_many_tasks_are_a_list_or_lines(service, kind):
    """They are answered in their order."""
    service.start()
    tasks = [{"type": "load", "info": name} for name in "abc"]
    body = b'{"type":"load","info":"a"}\n\n{"type":"load","info":"b"}\n'
    _, _, told = service.call("/tasks", tasks)
    assert [it["id"] for it in told["tasks"]] == [it.id for it in service.sent()]
    _, _, told = service.call("/tasks", body, kind=kind)
    sent = service.sent()
    assert [it["id"] for it in told["tasks"]] == [it.id for it in sent]
    assert [it.info for it in sent] == ["a", "b"]


def test_many_requests_share_a_send(service):
    """What comes while one is confirmed goes together."""
    sizes, open_, first = [], threading.Event(), threading.Event()

    def wrap(bus):
        producer = bus.producer()
        send = producer.send

        def slow(messages):
            sizes.append(len(messages))
            send(messages)
            first.set()
            assert open_.wait(60)

        producer.send = slow
        bus.producer = lambda: producer
        return bus

    service.wrap = wrap
    service.start(wait=service_wait(60))
    codes = []

    def call():
        codes.append(service.call("/tasks", {"type": "load"})[0])

    threads = [threading.Thread(target=call) for _ in range(20)]
    threads[0].start()
    assert first.wait(60)
    for thread in threads[1:]:
        thread.start()
    desk_is_full(service, 19)
    open_.set()
    for thread in threads:
        thread.join(60)
    assert codes == [202] * 20
    assert sizes == [1, 19]


def service_wait(seconds):
    return timedelta(seconds=seconds)


def desk_is_full(service, count):
    """Wait until so many requests wait for the bus."""
    deadline = time.monotonic() + 60
    while service.made.info()["waiting"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("body", "kind", "status", "text"),
    [
        (b"{", "application/json", 400, "this is no JSON: Input data was truncated"),
        (b"\xff", "application/json", 400, "this is no JSON"),
        ({"info": "x"}, "application/json", 422, "it has no key 'type'"),
        ({"type": ""}, "application/json", 422, "type '': it is empty"),
        (
            {"type": 7},
            "application/json",
            422,
            "this is no task: type must be text, not a number",
        ),
        (
            {"type": "a", "inf": "x"},
            "application/json",
            422,
            "unknown key 'inf': did you mean 'info'?",
        ),
        ([], "application/json", 422, "there is no task in it"),
        (
            [{"type": "a"}, {"type": "../x"}],
            "application/json",
            422,
            "task 2: type '../x': it would lead out of the folder of a bus of files",
        ),
        (
            {"type": "a", "created": "today"},
            "application/json",
            422,
            "created: not an RFC 3339 date: 'today'",
        ),
        (
            b"type=load",
            "application/x-www-form-urlencoded",
            415,
            "send application/json",
        ),
        (b'{"type":"load"}', "", 415, "send application/json"),
        ([{"type": "a"}] * 4, "application/json", 413, "4 tasks are too many for one"),
        ({"type": "a" * 2000}, "application/json", 413, "longer than 1,000 bytes"),
    ],
)
def test_one_wrong_thing_is_one_line(service, body, kind, status, text):
    """And nothing of the request is sent."""
    service.start(max_tasks=3, max_body=1000)
    code, told = error(service.call("/tasks", body, kind=kind))
    assert code == status
    assert text in told
    assert "\n" not in told
    assert service.sent() == []


def test_a_body_that_does_not_tell_its_length_is_not_read_for_ever(service):
    """As soon as it is too long, it is refused."""
    service.start(max_body=1000)
    body = iter([b'{"type":"load","info":"'] + [b"x" * 500] * 5)
    status, _, told = service.call("/tasks", body)
    assert (status, told["error"]) == (
        413,
        "the body is longer than 1,000 bytes: send it in parts",
    )


def failing(bus, errors):
    """Let sends fail as told before they work."""
    producer = bus.producer()
    send = producer.send

    def fail(messages):
        if errors:
            raise errors.pop(0)
        send(messages)

    producer.send = fail
    bus.producer = lambda: producer
    return bus


def test_what_the_bus_cannot_carry_is_refused_alone(service):
    """The request is told why; others go on."""
    errors = [PayloadError("it is too long for this bus", [0])]
    service.wrap = lambda bus: failing(bus, errors)
    service.start()
    told = error(service.call("/tasks", {"type": "load"}))
    assert told == (422, "it is too long for this bus")
    assert service.call("/tasks", {"type": "load"})[0] == 202


def test_what_the_bus_does_not_confirm_is_503(service):
    """With when to come again."""
    errors = [SendError("no space left", [0])]
    service.wrap = lambda bus: failing(bus, errors)
    service.start()
    status, headers, told = service.call("/tasks", {"type": "load"})
    assert (status, headers["Retry-After"]) == (503, "1")
    assert told["error"] == "not all was confirmed: no space left"
    assert service.call("/tasks", {"type": "load"})[0] == 202


def test_a_bus_that_is_away_is_503_in_time(service):
    """Later it is sent, or not: the answer says how to be sure."""
    away = [BusConnectionError("away")] * 1000
    service.wrap = lambda bus: failing(bus, away)
    service.start(wait=service_wait(0.2))
    status, told = error(service.call("/tasks", {"type": "load"}))
    assert status == 503
    assert "with an Idempotency-Key it may safely be tried again" in told
    away.clear()


def test_a_bus_that_fails_for_good_ends_it(service):
    """The request is told to come again; the taskmaster tells why it ended."""
    failures = [RuntimeError("broken")]
    service.wrap = lambda bus: failing(bus, failures)
    service.start()
    assert service.call("/tasks", {"type": "load"})[0] == 503
    service.thread.join(60)
    assert [str(it) for it in service.errors] == ["broken"]


def test_a_stop_answers_those_that_wait(service):
    """In flight is confirmed, and told; then nobody listens any more."""
    sending, open_ = threading.Event(), threading.Event()

    def wrap(bus):
        producer = bus.producer()
        send = producer.send

        def slow(messages):
            sending.set()
            assert open_.wait(60)
            send(messages)

        producer.send = slow
        bus.producer = lambda: producer
        return bus

    service.wrap = wrap
    service.start(wait=service_wait(60))
    codes = []
    caller = threading.Thread(
        target=lambda: codes.append(service.call("/tasks", {"type": "load"})[0])
    )
    caller.start()
    assert sending.wait(60)
    service.loop.stop()
    open_.set()
    caller.join(60)
    service.thread.join(60)
    assert codes == [202]
    assert len(service.sent()) == 1
    with pytest.raises(ConnectionRefusedError):
        service.call("/tasks", {"type": "load"})


def test_people_and_programs_are_told_what_there_is(service):
    """A page without anything from elsewhere, and an OpenAPI document."""
    service.start()
    status, headers, text = service.call("/", method="GET")
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert b"POST" in text or b"curl" in text
    status, _, told = service.call("/openapi.json", method="GET")
    assert (status, told["openapi"]) == (200, "3.1.0")
    assert set(told["paths"]) == {"/tasks"}
    assert service.call("/live", method="GET")[0] == 200


def test_what_is_no_http_is_answered_by_a_line_of_json_as_well(service):
    """The web server itself refuses it."""
    service.start()
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as client:
        client.sendall(b"no http\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body) == {"error": "this is no HTTP request"}
