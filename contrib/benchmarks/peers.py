"""Runs what others do beside what we do: in processes of their own, on one server."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = """
import os, time
N, seen, began = int(os.environ["TASKS"]), 0, 0.0

def count():
    global seen, began
    seen += 1
    if seen == 1:
        began = time.perf_counter()
    if seen == N:
        rate = (N - 1) / (time.perf_counter() - began)
        open("rate", "w").write(str(rate))
"""
OURS = """
from count import count
from task_core.api import worker

@worker
def nop(info: str):
    count()
"""
Peer = tuple[str | None, str, tuple[str, ...]]
"""The module of a peer (None: ours), what sends its tasks, and what works them."""


def rate_of(peer: Peer, url: str, python: str, count: int) -> float:
    """Send tasks, then work them; return how many in a second."""
    module, send, work = peer
    ours = module is None
    program = sys.executable if ours else python
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "count.py").write_text(COUNT)
        (place / "worker.py").write_text(OURS)
        (place / "peer.py").write_text(module or "")
        known = os.environ.get("PYTHONPATH", "") if ours else ""
        here = {"TASKS": str(count), "URL": url, "PYTHONPATH": f"{folder}:{known}"}
        environment = {**os.environ, **here}
        run = [program, "-c", send]
        subprocess.run(run, cwd=folder, env=environment, check=True)
        words = [url if word == "$URL" else word for word in work]
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                words if ours else [program, *words],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            return _await(place / "rate", process)
        except TimeoutError:
            print((place / "log").read_text()[-2000:])
            raise
        finally:
            os.killpg(process.pid, 9)
            process.wait()


def _await(rate: Path, process: "subprocess.Popen[bytes]") -> float:
    """Wait until the last task is done."""
    for _ in range(1200):
        if rate.exists() and (text := rate.read_text()):
            return float(text)
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise TimeoutError("it does not come to its end")
