"""Kafka's jars: fetched once for all runs, by Maven."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from brokers.cache import cache_folder, locked
from brokers.process import BrokerMissingError

POM = Path(__file__).parent / "pom.xml"
VERSION = re.findall(r"<kafka.version>(.*?)</kafka.version>", POM.read_text("utf-8"))[0]
CACHED = f"kafka-{VERSION}"
QUICK = [
    *("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
]
"""Start soon and stay small: a broker of tests lives for seconds."""


def check() -> None:
    """Make sure that Kafka can run here.

    Raises:
        BrokerMissingError: there is no Java, or no Maven for what is not yet here.
    """
    missing = _missing("java", "Java 17")
    if not missing and not is_of_this_pom(cache_folder() / CACHED):
        missing = _missing("mvn", "Maven")
    if missing:
        raise BrokerMissingError(
            f"Kafka needs {missing}: install it, or name a Kafka that runs: "
            "TASK_TEST_KAFKA=host:9092"
        )


def install() -> Path:
    """Fetch Kafka's jars, once for all runs, and return their folder.

    Raises:
        BrokerMissingError: there is no Java or no Maven, or Maven cannot fetch them.
    """
    check()
    with locked(CACHED) as folder:
        if not is_of_this_pom(folder):
            _fetch(folder)
    return folder


def _missing(program: str, name: str) -> str:
    found = shutil.which(program)
    return "" if found else f"{name} ('{program}' is not on PATH)"


def is_of_this_pom(folder: Path) -> bool:
    """Whether what is there was made with this very pom."""
    kept = folder / POM.name
    return kept.exists() and kept.read_bytes() == POM.read_bytes()


def _fetch(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        *("mvn", "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerMissingError(f"Maven cannot fetch Kafka {VERSION}:\n{done.stdout}")
    shutil.copy(POM, folder)  # last: it says that all is here


def java(*words: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a class of Kafka.

    Args:
        words: The class, and what it is given.
        options: More of Java's than all are given.
    """
    return ["java", *QUICK, *options, "-cp", f"{install()}/*", *words]
