"""What a message that kills its worker costs the others."""

import collections
import json
import subprocess
import sys
import uuid

import pytest
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.options import Client

BODIES = [b"0", b"1", b"2", b"3", b"kill", b"5", b"6"]
WORKER = """
import json, os, sys
from task_bus_kafka import consumer as module
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka
from task_core.api import BusContext, Message
module.COMMIT_PATIENCE = 60.0  # a busy broker is not what this is about
bootstrap, client, transactions, topic = sys.argv[1:]
options = KafkaOptions(
    bootstrap=(bootstrap,),
    client=Client(client),
    transactions=bool(transactions),
    partitions=1,
)
bus = kafka.open(options, BusContext(lease=3.0))
consumer = bus.subscribe(topic, "group")
while (found := consumer.receive(1, 5)) or bus.depth(topic, "group"):
    if not found:
        continue  # a group takes its time
    (one,) = found
    print(json.dumps([one.body.decode(), one.attempt]), flush=True)
    if one.body == b"kill" and one.attempt <= 5:
        os._exit(9)
    consumer.settle(found, [Message(topic + "-done", one.body)])
bus.close()
"""


@pytest.mark.parametrize(
    ("client", "transactions"),
    [(Client.PYTHON, ""), (Client.CONFLUENT, ""), (Client.PYTHON, "1")],
)
def test_a_killer_is_found_by_its_count_and_others_are_done_but_once_more(
    kafka, client, transactions
):
    topic = f"killer-{uuid.uuid4().hex[:12]}"
    command = [sys.executable, "-c", WORKER, kafka.bootstrap, client.value]
    receipts = []
    backdoor = KafkaBackdoor(kafka)
    backdoor.put(topic, BODIES)
    for deaths in range(10):  # noqa: B007  told below
        done = subprocess.run(
            [*command, transactions, topic], capture_output=True, check=False
        )
        receipts += map(json.loads, done.stdout.splitlines())
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
    counts = collections.Counter(backdoor.take(f"{topic}-done"))
    backdoor.close()
    assert set(counts) == set(BODIES)
    assert max(counts.values()) <= 2, counts  # of the first run, the first half second
    assert deaths <= 6, receipts
    assert max(attempt for body, attempt in receipts if body != "kill") <= 2
