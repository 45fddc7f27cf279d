"""The taskmaster as people run it: real processes, real time, real signals."""

import collections
import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

RULES = """
[[rule]]
files = "{base}/**/*.csv"
type = "load"
template = "{{file}}?version={{version}}"
existing = "send"
quiet = "300ms"
every = "1s"
"""
PATIENCE = 240.0


class Fleet:
    """Instances over one store and one bus, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.base = folder / "in"
        self.base.mkdir()
        self.write_rules(RULES.format(base=self.base))
        self.running = []

    def write_rules(self, text):
        (self.folder / "rules.toml").write_text(text)

    def start(self, *flags, bus="sqlite://task.db", **streams):
        command = [sys.executable, "-m", "task_core", "launch", "--taskmaster", "files"]
        with open(self.folder / "log.txt", "ab") as log:
            process = subprocess.Popen(
                [*command, "--taskmaster-rules", "rules.toml", "--bus", bus, *flags],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=streams.get("stdout", log),
                stderr=streams.get("stderr", log),
            )
        self.running.append(process)
        return process

    def sent(self, topic="load"):
        """Return the lines of a topic."""
        command = [sys.executable, "-m", "task_core", "tail", topic, "--raw"]
        done = subprocess.run(
            [*command, "--bus", "sqlite://task.db"],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        return done.stdout.splitlines()

    def infos(self, topic="load"):
        """Return the infos of a topic."""
        return [json.loads(line)["info"] for line in self.sent(topic)]

    def await_infos(self, count, topic="load"):
        """Return the infos once there are so many different ones."""
        end = time.monotonic() + PATIENCE
        while len(set(found := self.infos(topic))) < count:
            assert time.monotonic() < end, (found, self.log())
            time.sleep(0.1)
        return found

    def log(self):
        return (self.folder / "log.txt").read_text()

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()


def version(path):
    facts = path.stat()
    return f"{path}?version={facts.st_size}-{facts.st_mtime_ns}-{facts.st_ino}"


def test_it_tells_files_until_it_is_told_to_stop(fleet):
    """Files in folders that are made while it runs, too; then it ends well."""
    process = fleet.start()
    (fleet.base / "a.csv").write_text("x")
    deep = fleet.base / "new" / "folder"
    deep.mkdir(parents=True)
    (deep / "b.csv").write_text("x")
    wanted = {version(fleet.base / "a.csv"), version(deep / "b.csv")}
    assert sorted(fleet.await_infos(2)) == sorted(wanted)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0, fleet.log()


def test_a_slow_writer_is_waited_for_and_a_renamed_file_is_whole(fleet):
    """Its last version, once; work files are none."""
    fleet.start()
    slow = fleet.base / "slow.csv"
    with open(slow, "wb", buffering=0) as file:
        for _ in range(12):
            file.write(b"row\n")
            time.sleep(0.1)
    work = fleet.base / ".renamed.csv"
    work.write_text("x")
    work.rename(fleet.base / "renamed.csv")
    wanted = {version(slow), version(fleet.base / "renamed.csv")}
    assert sorted(fleet.await_infos(2)) == sorted(wanted)


class Writer(threading.Thread):
    """Writes files, and some of them again, until it has written so many versions."""

    def __init__(self, fleet, seed, count):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.base = fleet.base
        self.store = fleet.folder / "rules.store.db"
        self.count = count
        self.versions = []

    def await_seen(self, path):
        """Wait until the present version of a file is told."""
        _, _, wanted = version(path).partition("?version=")
        look = "SELECT 1 FROM task_seen WHERE path = ? AND version = ?"
        url = f"file:{self.store}?mode=ro"
        while True:
            time.sleep(0.1)
            with (
                contextlib.suppress(sqlite3.OperationalError),  # not there yet
                contextlib.closing(sqlite3.connect(url, uri=True)) as store,
            ):
                if store.execute(look, (str(path), wanted)).fetchall():
                    return

    def run(self):
        paths = []
        for number in range(self.count):
            if paths and self.random.random() < 0.2:
                path = self.random.choice(paths)
                self.await_seen(path)
            else:
                path = self.base / self.random.choice("abc") / f"{number}.csv"
                path.parent.mkdir(exist_ok=True)
                paths.append(path)
            work = path.with_suffix(".tmp")
            work.write_text("x" * number)
            work.rename(path)
            self.versions.append(version(path))
            time.sleep(self.random.random() / 10)


def check(fleet, writer):
    """Each version is told, and what is told twice is the same to the byte."""
    fleet.await_infos(len(writer.versions))
    lines = fleet.sent()
    infos = [json.loads(line)["info"] for line in lines]
    assert set(infos) == set(writer.versions), "lost, or made up"
    different = collections.Counter(json.loads(line)["info"] for line in set(lines))
    assert max(different.values()) == 1, "a version was told in two ways"
    return len(lines) - len(set(lines))


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_tells_each_version_once(fleet, seed):
    """Nothing is lost; doubled is only what was in flight, to the byte."""
    chance = random.Random(seed)
    writer = Writer(fleet, seed, 40)
    writer.start()
    kills = 0
    while writer.is_alive() and kills < 10:
        process = fleet.start()
        writer.join(chance.uniform(0.5, 8))
        process.kill()
        process.wait()
        kills += 1
    fleet.start()
    writer.join()
    assert check(fleet, writer) <= kills


def test_two_instances_over_one_store_tell_each_version_once(fleet):
    """Also when one of them is killed now and then."""
    chance = random.Random(3)
    writer = Writer(fleet, 3, 40)
    writer.start()
    fleet.start()
    kills = 0
    while writer.is_alive():
        process = fleet.start()
        writer.join(chance.uniform(1, 4))
        process.kill()
        process.wait()
        kills += 1
    assert check(fleet, writer) <= kills


GROUPS = """
[[rule]]
files = "{base}/*/*.csv"
type = "load"
template = "{{manifest}}?group={{group}}"
existing = "send"
quiet = "200ms"
every = "1s"
group = {{ by = "dir", count = 3 }}
"""


def test_two_instances_over_a_server_fire_each_group_once(fleet, new_database):
    """Each file is in one firing, whoever is killed."""
    chance = random.Random(4)
    fleet.write_rules(GROUPS.format(base=fleet.base))
    flags = ("--taskmaster-store", new_database())
    fleet.start(*flags)
    wanted = set()
    for round_ in range(6):
        process = fleet.start(*flags)
        for name in "ab":
            (fleet.base / name).mkdir(exist_ok=True)
            for number in range(3):
                path = fleet.base / name / f"{round_}-{number}.csv"
                path.write_text("x")
                wanted.add(str(path))
        time.sleep(chance.uniform(1, 4))
        process.kill()
        process.wait()
    infos = set(fleet.await_infos(12))
    told = []
    for info in infos:
        with open(info.partition("?")[0], encoding="utf-8") as manifest:
            told += [json.loads(line)["path"] for line in manifest]
    assert sorted(told) == sorted(wanted)
    different = {line for line in fleet.sent() if json.loads(line)["info"] in infos}
    assert len(different) == 12, "a firing was told in two ways"


def test_a_wrong_file_is_told_in_lines(fleet):
    """One for each mistake, no traceback, nothing sent."""
    fleet.write_rules('[[rule]]\nfiles = "/in/"\nkind = "y"\n')
    process = fleet.start(stderr=subprocess.PIPE)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert told.decode().count("rules.toml, line ") == 3
    assert b"Traceback" not in told


def test_the_manifest_imports_no_library():
    """Help and lists must not depend on it."""
    program = (
        "import sys, task_taskmaster_files.plugin\n"
        "assert not {'fsspec', 'watchfiles', 'sqlalchemy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
