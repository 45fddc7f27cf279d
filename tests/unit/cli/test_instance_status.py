"""Rules of `task_core.cli.instance_status`: what one page tells of several."""

import os
import socket
import tempfile
import threading
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from task_core.api.command import Launch, Restart
from task_core.cli import instance_status
from task_core.cli.instance_status import Gathered, place_for_pages
from task_core.launcher import status
from task_core.launcher.status import Pages, StatusServer
from task_core.supervisor.child import Child

PATIENCE = 60.0


def facts(state="working", **more):
    return {"app_name": "load", "pid": 7, "state": state, **more}


def launcher(**more):
    """Return the facts of a process with a launcher."""
    return facts(launcher={"worker": "load", "state": "working"}, **more)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """However busy the machine is."""
    monkeypatch.setattr(instance_status, "PATIENCE", PATIENCE)
    monkeypatch.setattr(status, "PATIENCE", PATIENCE)
    monkeypatch.setattr(status, "SLOW", PATIENCE)


@pytest.fixture
def gathered(tmp_path):
    """`gathered(info, …)`: of several that tell this; of None: one is not there."""
    servers = []

    def make(*infos, **pages):
        children = []
        for number, info in enumerate(infos, 1):
            path = f"{tmp_path}/{number}"
            children.append(SimpleNamespace(name=str(number), status=path))
            if info is not None:
                servers.append(StatusServer(f"unix:{path}", Pages(info=info, **pages)))
        return Gathered(lambda: children)

    yield make
    for one in servers:
        one.close()


@pytest.mark.parametrize("length", [1, 60, 200])
@pytest.mark.parametrize("name", ["1", "load" * 50])
def test_sockets_have_short_paths_wherever_temporary_files_are(
    tmp_path, monkeypatch, length, name
):
    """And whatever the instance is called; the folder goes in the end."""
    place = tmp_path / ("x" * length)
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with place_for_pages("127.0.0.1:0") as folder:
        launch = Launch(
            name=name, words=(), environment={}, buses=(), kill_time=1.0, own=None
        )
        child = Child(launch, name, Restart.NEVER, Mock(), folder)
        address = child._environment()["TASK_LAUNCH_STATUS"]
        StatusServer(address, Pages(info=dict)).close()
    assert not os.path.exists(folder)


def told(info):
    return [(one["instance"], one["state"]) for one in info["launchers"]]


def test_one_that_is_not_there_is_a_launcher_with_that_state(gathered):
    """It is what somebody looks for."""
    info = gathered(launcher, None, launcher).info()
    assert info["instances"] == 3
    assert info["state"] == "instance 2 is not there"
    assert told(info) == [("1", "working"), ("2", "is not there"), ("3", "working")]


def test_one_whose_page_is_none_of_facts_harms_no_other(gathered):
    """What it said instead is told."""
    info = gathered(launcher, lambda: 1 / 0).info()
    text = "/info raised ZeroDivisionError: division by zero"
    assert info["state"] == f"instance 2: {text}"
    assert told(info) == [("1", "working"), ("2", text)]


def test_one_that_says_nothing_is_told_so(tmp_path, monkeypatch):
    """It is frozen, perhaps."""
    monkeypatch.setattr(instance_status, "PATIENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/1")
        silent.listen()
        frozen = Gathered(lambda: [SimpleNamespace(name="1", status=f"{tmp_path}/1")])
        assert told(frozen.info()) == [("1", "does not answer")]
        assert frozen.unready() == "instance 1 does not answer"
        code, _, text = frozen.other("/1/metrics")
        assert (code, text) == (503, b"instance 1 does not answer\n")


def test_all_are_asked_at_once(gathered):
    """Those that do not answer take their time together."""
    all_are_asked = threading.Barrier(3)

    def info():
        all_are_asked.wait(PATIENCE)
        return launcher()

    assert len(told(gathered(info, info, info).info())) == 3


def test_why_one_does_not_receive_is_the_state_of_all(gathered):
    """With its number."""
    stopping = facts("stopping", launchers=[{"state": "stopping"}])
    them = gathered(lambda: stopping, unready=lambda: "stopping")
    assert them.info()["state"] == "instance 1: stopping"
    assert them.unready() == "instance 1: stopping"


def test_a_taskmaster_is_told_of(gathered):
    """It may be reloaded as a worker is."""
    master = {"name": "clock", "state": "working"}
    info = gathered(lambda: facts(taskmaster=master)).info()
    assert (info["taskmaster"], info["launchers"]) == (master, [])


def test_pages_of_one_are_there_under_its_name(gathered):
    """With its own answer, whatever that is."""
    them = gathered(launcher, unready=lambda: "starting")
    assert them.other("/1/live")[::2] == (200, b"live\n")
    assert them.other("/1/ready")[::2] == (503, b"starting\n")
    assert them.other("/1/nothing") is None
    assert them.other("/3/live") is None
    assert them.other("/nothing") is None
