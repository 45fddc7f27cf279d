"""Runs the installed command `task` as users do: in a process of its own."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_lines import COMMAND

WORKERS = r"""
import os, signal, sys, threading, time
from task_core.api import *

@worker
def echo_back(info: str) -> str:
    return info

@worker
def nap(info: str, ctx: WorkerContext):
    return interrupted() if ctx.wait(float(info)) else complete("woke")

@worker
async def async_nap(info: str, ctx: WorkerContext):
    return interrupted() if await ctx.wait_async(float(info)) else complete("woke")

@worker
def stuck(info: str):
    print("it is stuck", flush=True)
    threading.Event().wait()

@worker
def signals_itself(info: str, ctx: WorkerContext):
    os.kill(os.getpid(), signal.SIGTERM)
    return interrupted() if ctx.wait(60) else None

@worker
def raises(info: str):
    raise ValueError("no such\ntable")

@worker
def nonsense(info: str):
    return 42

@worker
def exits(info: str):
    sys.exit(3)

@worker
def prints(info: str):
    print("printed")
    os.write(1, b"written\n")
    os.system("echo from a child")

@worker
def forks(info: str):
    os.fork()

def double(number):
    return 2 * number

@worker
def pools(info: str):
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return str(pool.map(double, [int(info)]))

@worker
def cats(info: str):
    import subprocess
    return str(len(subprocess.run(["cat"], stdout=subprocess.PIPE).stdout))

@worker
def sends_to(info: str, ctx: WorkerContext):
    ctx.send(Task.new("sum"), topic=info)

@worker
def sends_type(info: str, ctx: WorkerContext):
    ctx.send(Task.new(info))

@worker
def leaves_a_thread(info: str):
    threading.Thread(target=time.sleep, args=[60], name="busy", daemon=False).start()

@worker
def leaves_an_executor(info: str):
    from concurrent.futures import ThreadPoolExecutor
    ThreadPoolExecutor().submit(time.sleep, 60)

@worker
def leaves_an_idle_executor(info: str):
    from concurrent.futures import ThreadPoolExecutor
    ThreadPoolExecutor().submit(time.sleep, 0).result()

@worker
def umlauts(info: str):
    print("\u00fc")

@worker
class Closing(Worker):
    def do_task(self, ctx):
        return "done"

    def close(self):
        raise ValueError("no")

@worker
class NeverCloses(Worker):
    def do_task(self, ctx):
        return "done"

    def close(self):
        print("it closes", flush=True)
        threading.Event().wait()

@worker
def wanders(info: str):
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")

@worker
def kills(info: str):
    os._exit(9)

@worker
def parent(info: str, ctx: WorkerContext):
    ctx.meta["file"] = "a&b"
    ctx.send(Task.new("child", info, id="7"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the workers above in `workers.py`."""
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


@pytest.fixture
def task(folder: Path) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Run `task` in the directory: `task("launch", ..., stdin=b"...")`."""

    def run(
        *args: str, stdin: bytes = b"", env: dict[str, str] | None = None, **more: Any
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [COMMAND, *args],
            input=stdin,
            cwd=more.pop("cwd", folder),
            env={**os.environ, **(env or {})},
            capture_output=True,
            timeout=300,
            check=False,
            **more,
        )

    return run


@pytest.fixture
def start(folder: Path) -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start `task` in the directory, with pipes; killed at the end if need be."""
    started: list[subprocess.Popen[bytes]] = []

    def popen(*args: str, **more: Any) -> "subprocess.Popen[bytes]":
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen([COMMAND, *args], cwd=folder, **{**pipes, **more})
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
