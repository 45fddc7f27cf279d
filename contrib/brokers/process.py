"""A broker that runs as a process of its own: start, stop, kill, restart."""

import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Self

TAIL = 20
"""So many last lines of its log are shown of a broker that does not start."""
WATCHDOG = 'read -r _; kill -s KILL -- "-$1"'
"""Its stdin ends when the process that started the broker is gone, however it went."""


class BrokerError(Exception):
    """A broker did not do what it was told."""


class BrokerMissingError(BrokerError):
    """There is no such broker on this machine, and no way to get it."""


class Broker(ABC):
    """A broker that this process starts, and that never outlives it.

    Ports and data are chosen once, so that a restarted broker is the same one to its
    clients. `with` starts it, and stops and cleans up at the end.

    Args:
        folder: where data and log are kept; else a temporary one, removed by `close`.
    """

    name: str
    """What to call it in messages: `nsqd`, `Kafka`."""
    ours = True
    """Tests may stop it, other than one that a developer runs."""
    start_seconds: float = 120.0
    """It must answer within this time, also where much else runs."""
    stop_signal = signal.SIGTERM
    """Asks it to end orderly, and soon."""
    stop_seconds: float = 20.0
    """It must end within this time of that signal; then it is killed."""

    def __init__(self, *, folder: Path | str | None = None) -> None:
        self._temporary = folder is None
        made = tempfile.mkdtemp(prefix="task-broker-") if folder is None else folder
        self.folder = Path(made).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @property
    @abstractmethod
    def implementation(self) -> str:
        """What runs, with its version: `nsqd 1.3.0`."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    def environment(self) -> dict[str, str]:
        """Return the environment of the process: ours, with this package to import."""
        here = str(Path(__file__).parent.parent)
        known = os.environ.get("PYTHONPATH")
        paths = f"{here}{os.pathsep}{known}" if known else here
        return {**os.environ, "PYTHONPATH": paths}

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves clients now. Raises OSError or returns False if not."""

    def prepare(self) -> None:
        """Make what the first start needs; called before each one."""

    @property
    def pid(self) -> int | None:
        """The process that runs, if any."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it answers. Nothing happens if it runs.

        Raises:
            BrokerError: it ended or did not answer in time; with the tail of its log.
        """
        if self.running:
            return
        self.prepare()
        self._release()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,  # a Ctrl-C of the terminal is not for it
            )
        try:
            self._watchdog = _watch(self._process.pid)
            self._await_answer(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it orderly, and wait; kill it if that takes too long."""
        self._signal(self.stop_signal)
        try:
            self._wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), and wait."""
        self._signal(signal.SIGKILL)
        self._wait(None)

    def restart(self) -> None:
        """Stop it and start it again, with the same ports and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Make it fall silent with its connections open (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def tail(self) -> str:
        """Return the last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-TAIL:])

    def close(self) -> None:
        """End it for good, and remove its folder if that is a temporary one."""
        atexit.unregister(self.close)
        self.kill()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + self.start_seconds
        while time.monotonic() < ends:
            if (status := process.poll()) is not None:
                raise BrokerError(
                    f"{self.name} ended with status {status} before it answered; "
                    f"its log ends with:\n{self.tail()}"
                )
            try:
                if self.answers():
                    return
            except OSError:
                pass
            time.sleep(0.02)  # nothing tells when a port opens
        raise BrokerError(
            f"{self.name} did not answer within {self.start_seconds:g} s; "
            f"its log ends with:\n{self.tail()}"
        )

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            os.killpg(self._process.pid, number)

    def _wait(self, seconds: float | None) -> None:
        if self._process is not None:
            self._process.wait(seconds)
        self._release()

    def _release(self) -> None:
        """End the watchdog of a process that is gone."""
        if self._watchdog is None:
            return
        self._watchdog.kill()
        self._watchdog.wait()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._watchdog = None


def find(program: str, variable: str, *folders: Path | str) -> str:
    """Return the path of a program: one that is named, on PATH, or in a folder.

    Args:
        program: what it is called.
        variable: of the environment, that may name another one.
        folders: where it may be if it is not on PATH, the best first.

    Raises:
        BrokerMissingError: it is nowhere, or what was named is not there.
    """
    if named := os.environ.get(variable):
        if found := shutil.which(named):
            return found
        raise BrokerMissingError(f"{variable}={named}: there is no such program")
    for path in (None, *map(str, folders)):
        if found := shutil.which(program, path=path):
            return found
    raise BrokerMissingError(
        f"there is no {program}: put it on PATH, or name it: {variable}=/path/to/it"
    )


@cache
def version(program: str) -> str:
    """Return the version that a program tells (`--version`), as far as it does."""
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\d+\.[\w.-]+", done.stdout)
    return number[0] if number else "of unknown version"


def _watch(pid: int) -> subprocess.Popen[bytes]:
    """Start what kills a broker when this process is gone.

    The kernel's own way (PR_SET_PDEATHSIG) is Linux' alone, and obeys the end of the
    thread that started the broker, which a test may well outlive.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", WATCHDOG, "watchdog", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
