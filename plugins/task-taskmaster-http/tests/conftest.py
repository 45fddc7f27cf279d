"""What the tests of the taskmaster http share: one that runs, and those who call it."""

import http.client
import json
import threading
import uuid

import pytest
from task_taskmaster_http.options import Options
from task_taskmaster_http.taskmaster import make_taskmaster

from task_core import TaskmasterLoop
from task_core.api import BusContext, decode_task
from task_core.builtin.bus_options import MemoryOptions
from task_core.builtin.buses import memory

LIMIT = 60


class Service:
    """A taskmaster that runs in a thread, with the bus `memory`."""

    def __init__(self, folder):
        self.folder = folder
        self.name = uuid.uuid4().hex
        self.wrap = lambda bus: bus
        self.errors = []
        self.loop = self.thread = self.port = None

    def open(self):
        return memory.open(MemoryOptions(name=self.name), BusContext())

    def start(self, rules="", **options):
        """Run it; return when it listens."""
        options.setdefault("address", "127.0.0.1:0")
        if rules:
            options["rules"] = self.folder / "rules.toml"
            options["rules"].write_text(rules)
        options.setdefault("store", str(self.folder / "http.store.db"))
        self.watcher = self.open()
        self.consumers = {}
        self.watch("load", "build")
        began, made = threading.Event(), make_taskmaster(Options(**options))
        made.serving = lambda ctx: began.set()
        self.made = made
        self.loop = TaskmasterLoop(made, lambda: self.wrap(self.open()))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        while not began.wait(0.05):
            assert self.thread.is_alive(), self.errors
        self.port = made.port
        return self

    def watch(self, *topics):
        """Keep what is sent to topics from now on."""
        for topic in topics:
            self.consumers[topic] = self.watcher.subscribe(topic, "test")

    def sent(self, topic="load"):
        """Return the tasks that were sent to a topic since the last look."""
        consumer, found = self.consumers[topic], []
        while deliveries := consumer.receive(100, 0):
            found += [decode_task(one.body) for one in deliveries]
            consumer.ack(deliveries)
        return found

    def stop(self):
        """Stop it, and wait for its end."""
        if self.loop is not None:
            self.loop.stop()
            self.thread.join(LIMIT)
            assert not self.thread.is_alive()
            self.watcher.close()

    def call(self, path, body=b"", method="POST", kind="application/json", **headers):
        """Return the status, the headers and the answer of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if kind:
            named["Content-Type"] = kind
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.headers["Content-Type"] == "application/json":
            text = json.loads(text)
        return answer.status, answer.headers, text

    def _run(self):
        try:
            self.loop.run()
        except BaseException as error:  # noqa: BLE001  for the test
            self.errors.append(error)


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def other(service):
    """Another instance, with the same store and bus."""
    made = Service(service.folder)
    made.name = service.name
    yield made
    made.stop()
