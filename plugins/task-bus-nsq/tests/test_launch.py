"""The bus as people use it: commands, real processes, bodies that Go wrote."""

import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from nsq_backdoor import NsqBackdoor

FIXTURES = Path(__file__).parents[3] / "tests/fixtures/wire"
WRITTEN_BY_GO = [
    case["body"].encode()
    for case in json.loads((FIXTURES / "encode.json").read_bytes())
]
NOT_YET = (b'"result":', b'"msg":', b'"started":', b'"ended":')
TO_DO = [body for body in WRITTEN_BY_GO if not any(key in body for key in NOT_YET)]
TIME = rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"'


@pytest.fixture
def door(nsqd):
    return NsqBackdoor(nsqd)


@pytest.fixture
def topics(door):
    return door.topic(), door.topic()


def launch_flags(topics):
    topic, done = topics
    reading = ("--topic", topic, "--channel", "workers", "--done-topic", done)
    return (*reading, "--type-policy", "run")


def test_what_go_wrote_is_answered_byte_for_byte(task, door, topics):
    door.put(topics[0], TO_DO)
    process = task("launch", "--worker", "nop", *launch_flags(topics), "--drain")
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    found = door.take(topics[1])
    ending = b',"result":"complete","msg":"finished","started":%b,"ended":%b}' % (
        TIME,
        TIME,
    )
    patterns = [re.escape(body[:-1]) + ending for body in TO_DO]
    assert len(found) == len(patterns)
    for pattern in patterns:
        assert any(re.fullmatch(pattern, body) for body in found), pattern


def test_a_done_task_of_go_that_is_run_again_loses_its_old_result(task, door, topics):
    done = [body for body in WRITTEN_BY_GO if b'"result":"error"' in body]
    assert done
    door.put(topics[0], done)
    process = task("launch", "--worker", "nop", *launch_flags(topics), "--drain")
    process.communicate(timeout=300)
    for body in door.take(topics[1]):
        assert body.count(b'"result":"complete"') == body.count(b'"result"') == 1


def test_a_killed_worker_costs_no_task(task, door, topics):
    door.put(topics[0], [b'{"type":"nop","info":"%d"}' % n for n in range(20)])
    flags = (*launch_flags(topics), "-c", "4", "--lease", "1s")
    slow = task("launch", "--worker", "nop", "--worker-dur", "60s", *flags)
    while door.in_flight_or_none(topics[0], "workers") != 4:
        assert slow.poll() is None, slow.communicate()
    slow.kill()
    heir = task("launch", "--worker", "nop", *flags, "--max-tasks", "20")
    heir.communicate(timeout=300)
    infos = {json.loads(body)["info"] for body in door.take(topics[1])}
    assert infos == {str(n) for n in range(20)}


def test_a_launcher_goes_on_after_its_nsqd_was_restarted(task, door, topics):
    door.put(topics[0], [b'{"type":"nop","info":"before"}'])
    process = task("launch", "--worker", "nop", *launch_flags(topics))
    while not door.take(topics[1]):
        assert process.poll() is None, process.communicate()
    door.nsqd.restart()
    door.put(topics[0], [b'{"type":"nop","info":"after"}'])
    while len(door.take(topics[1])) < 2:
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr


def test_a_stopped_launcher_gives_back_at_once_what_it_holds(task, door, topics):
    door.put(topics[0], [b'{"type":"nop","info":"1"}'])
    flags = (*launch_flags(topics), "--kill-time", "0s")
    process = task("launch", "--worker", "nop", "--worker-dur", "60s", *flags)
    while door.in_flight_or_none(topics[0], "workers") != 1:
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    channel = door.channel(topics[0], "workers")
    assert (channel["in_flight_count"], channel["depth"]) == (0, 1)


def test_send_and_topics_work_on_the_command_line(task, door):
    topic = door.topic()
    sent = task("send", "--topic", topic, "nop", "hello?x=1")
    _, stderr = sent.communicate(timeout=300)
    assert sent.returncode == 0, stderr
    (body,) = door.take(topic)
    assert json.loads(body)["info"] == "hello?x=1"
    stdout, _ = task("topics").communicate(timeout=300)
    assert topic in stdout


def test_nobody_there_is_one_clear_line(door, tmp_path):
    address = door.unreachable()[1]
    command = [sys.executable, "-m", "task_core", "topics", "--bus", f"nsq://{address}"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert address.split(":")[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_two_threads_may_own_a_bus_each(door, buses, nsqd):
    topic = door.topic()
    door.put(topic, [b"%d" % n for n in range(200)])
    found = []

    def work():
        consumer = buses(nsqd=(nsqd.tcp,)).subscribe(topic, "c")
        while came := consumer.receive(3, 1):
            consumer.settle(came, [])
            found.extend(it.body for it in came)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(b"%d" % n for n in range(200))


@pytest.mark.parametrize("topic", ["x" * 60, "y" * 64, "z#ephemeral"])
def test_a_topic_with_a_long_or_ephemeral_name_has_dead_letters(
    start_nsqd, task, topic
):
    nsqd = start_nsqd(options=("--mem-queue-size=9",))  # where ephemeral ones live
    url, door = f"nsq://{nsqd.tcp}?http={nsqd.http}", NsqBackdoor(nsqd)
    door.put(topic, [b"no task"])
    flags = (*launch_flags((topic, "done")), "--drain")
    launcher = task("launch", "--worker", "nop", *flags, bus=url)
    _, stderr = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, stderr
    stdout, stderr = task("dead", "list", topic, bus=url).communicate(timeout=300)
    assert "not JSON" in stdout, stderr
    redrive = task("dead", "redrive", topic, "--yes", bus=url)
    assert "1 sent back" in redrive.communicate(timeout=300)[1]
    assert door.channel(topic, "workers")["depth"] == 1


def test_all_dead_letters_are_listed_and_sent_back(start_nsqd, task):
    """Beyond what an nsqd has in flight on one connection: 2,500 by default."""
    nsqd = start_nsqd(options=("--max-rdy-count=100",))
    url, door = f"nsq://{nsqd.tcp}?http={nsqd.http}", NsqBackdoor(nsqd)
    letter = b'{"reason":"it broke","topic":"work","body":"%d"}'
    door.put("work.dead", [letter % n for n in range(240)])
    stdout, _ = task("dead", "list", "work", "--json", bus=url).communicate(timeout=300)
    assert stdout.count("it broke") == 240
    redrive = task("dead", "redrive", "work", "--yes", bus=url)
    assert "240 sent back" in redrive.communicate(timeout=300)[1]
    assert len(set(door.take("work"))) == 240


def test_looking_takes_nothing_that_a_topic_keeps_for_its_first_channel(task, door):
    topic = door.topic()
    door.put(topic, [b'{"type":"nop","info":"kept"}'])
    tail = task("tail", topic)
    stdout, stderr = tail.communicate(timeout=300)
    assert (tail.returncode, stdout) == (4, "")
    assert "keeps 1 for its first channel" in stderr
    assert door.take(topic) == [b'{"type":"nop","info":"kept"}']


CALL = """
import sys
from task_core import connect
with connect(sys.argv[1], done_topic=sys.argv[2]) as client:
    print(client.call("nop", "1", topic=sys.argv[3], timeout=300).result)
"""


def test_waiting_for_a_result_takes_nothing_that_a_done_topic_keeps(task, door, nsqd):
    """It would swallow the done tasks of others; once they are read it goes on."""
    topic, done = door.topic(), door.topic()
    door.put(done, [b'{"type":"nop","info":"kept"}'])
    url = f"nsq://{nsqd.tcp}?http={nsqd.http}"
    call = [sys.executable, "-c", CALL, url, done, topic]
    refused = subprocess.run(call, capture_output=True, text=True, check=False)
    assert "keeps 1 for its first channel" in refused.stderr
    assert door.take(done) == [b'{"type":"nop","info":"kept"}']
    task("launch", "--worker", "nop", *launch_flags((topic, done)))
    answered = subprocess.run(call, capture_output=True, text=True, check=False)
    assert answered.stdout == "complete\n", answered.stderr


def test_looking_leaves_no_channel_behind(task, door):
    topic = door.topic()
    assert not door.take(topic)
    door.put(topic, [b'{"type":"nop","info":"1"}'])
    assert door.take(topic)  # on a channel of its own, which stays
    tail = task("tail", topic)
    assert tail.communicate(timeout=300) == ("", "")
    assert [it["channel_name"] for it in door._stats(topic)["channels"]] == ["backdoor"]
