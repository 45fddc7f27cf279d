"""Programs that use a store as processes of their own."""

import subprocess
import sys

CLAIM_AND_DIE = """
import os, signal, sys
from task_store import Claim, open_store

store = open_store(sys.argv[1], lease=1.0)
assert store.claim([Claim("k", "load", b"mine")]) == [True]
print("claimed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)  # before the send
"""
CLAIM_MANY = """
import sys
from task_store import Claim, open_store

store = open_store(sys.argv[1])
sys.stdin.read()  # all at once
ours = 0
for number in range(40):
    ours += sum(store.claim([Claim(f"k{number}", "load", sys.argv[2].encode())]))
print(ours)
store.close()
"""
OPEN = """
import sys
from task_store import open_store

sys.stdin.read()  # all at once
store = open_store(sys.argv[1])
store.check()
store.close()
"""
ALONE = """
import sys, time
from task_store import open_store

store = open_store(sys.argv[1])
with store.alone("cron"):
    print("alone", flush=True)
    sys.stdin.read()
store.close()
"""


def start(program, *arguments):
    """Start one; what it prints and its stdin are ours."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """Close its stdin, and return what it printed."""
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    return stdout
