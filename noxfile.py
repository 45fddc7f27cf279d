"""Every check of the project. `nox` runs all of them; `nox -l` lists them.

Without a name it is the session `everything`, which runs the others in three lanes
at a time, since most of them wait.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["everything"]

# tests start Python thousands of times: what was compiled once is to be kept
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
OTHERS = [
    str(file.parent.relative_to(ROOT))
    for place in ("plugins", "contrib/examples")
    for file in sorted((ROOT / place).glob("*/pyproject.toml"))
]
"""The distributions beside the core, each in a folder of its own."""
WITHOUT_BROKERS = [
    other
    for other in OTHERS
    if not re.search("/task-(bus-(?!sqlite$)|hooks-once$|store$)", other)
]
"""Those whose tests the session `tests` runs, save the kit on buses."""
WITH_BROKERS = [other for other in OTHERS if other not in WITHOUT_BROKERS]
"""Those that are tested with brokers, by the session of that name."""
KITS = ["tests/contract", "plugins/task-bus-sqlite/tests/test_contract.py"]
"""The kit on buses that need no broker, which the session `brokers` runs too."""
WHEELS = ROOT / ".nox" / "made" / "wheels"
COVERAGE = ROOT / ".nox" / "made" / "coverage"
TEST_PARTNERS = [
    "duckdb>=1.1.1",
    "fastapi>=0.115",
    "gcp-storage-emulator>=2024.8",
    "gcsfs>=2024.6",
    "moto[server]>=5",
    "opentelemetry-sdk>=1.20",
    "s3fs>=2024.6",
    "watchfiles>=0.21",
]
"""What plugins are tested with, and do not need themselves."""
BROKER_PARTNERS = ["psycopg2-binary>=2.9.10"]
"""The same for those that are tested with brokers."""
TEST_TOOLS = ["pytest>=8", "pytest-xdist>=3.6", "hypothesis>=6.100"]
TWO_AT_A_TIME = ["-n", "2", "--dist", "loadfile"]
"""For tests that mostly wait for processes; a file's tests stay together."""


def _works(python: Path) -> bool:
    """Whether it is a Python that starts (a version manager's shim may not)."""
    done = subprocess.run([python, "-c", ""], capture_output=True, check=False)
    return done.returncode == 0


def _pythons() -> list[str]:
    """Return every Python from 3.11 on that is here, and put it on the PATH."""
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [Path(entry) for entry in os.environ["PATH"].split(os.pathsep)]
    found: dict[int, Path] = {}
    for folder in [*folders, *sorted(managed.glob("*/bin"))]:
        for python in folder.glob("python3.*"):
            match = re.fullmatch(r"python3\.(\d+)", python.name)
            minor = int(match[1]) if match else 0
            if minor >= 11 and minor not in found and _works(python):
                found[minor] = folder
    extra = os.pathsep.join(str(folder) for folder in found.values())
    os.environ["PATH"] = f"{extra}{os.pathsep}{os.environ['PATH']}"
    return [f"3.{minor}" for minor in sorted(found)]


PYTHONS = _pythons()


def _build(session: nox.Session, folder: Path) -> None:
    """Build the wheels of all distributions."""
    shutil.rmtree(folder, ignore_errors=True)
    session.install("hatchling>=1.26")
    for source in (".", *OTHERS):
        with session.chdir(source):
            session.run("hatchling", "build", "-t", "wheel", "-d", str(folder))


def _wheels(session: nox.Session) -> list[str]:
    """Return the wheels of all distributions; built once for all sessions of a run."""
    if "TASK_WHEELS" not in os.environ:
        folder = Path(session.create_tmp()).resolve() / "wheels"
        _build(session, folder)
        os.environ["TASK_WHEELS"] = str(folder)
    return sorted(str(it) for it in Path(os.environ["TASK_WHEELS"]).glob("*.whl"))


def _install_wheels(session: nox.Session, *more: str) -> None:
    """Install all wheels, so that tests meet what users get."""
    names = ("task-framework", *(Path(other).name for other in OTHERS))
    anew = [f"--reinstall-package={name}" for name in names]
    if session.venv_backend != "uv":
        anew = ["--force-reinstall"]  # pip can only do so with all
    session.install(*anew, *_wheels(session), *TEST_TOOLS, *more)


def _measured(session: nox.Session) -> bool:
    """Whether coverage is measured here: once, on the newest Python."""
    return bool(os.environ.get("TASK_COVERAGE")) and session.python == PYTHONS[-1]


def _pytest(session: nox.Session, *arguments: str) -> list[str]:
    """Return the command of pytest that measures coverage where that is to be done."""
    if not _measured(session):
        return ["pytest", *arguments]
    COVERAGE.mkdir(parents=True, exist_ok=True)
    # not `-m pytest`: that would import the checkout, not the wheel
    return ["coverage", "run", f"{session.bin}/pytest", *arguments]


def _apart(session: nox.Session, commands: list[str]) -> list[str]:
    """Give each of several pytests a folder for what it makes.

    Those that share one tidy up after each other, and fail now and then with all
    tests passed: what one is about to delete is gone.
    """
    folder = Path(session.create_tmp()).resolve()
    return [
        f"{command} --basetemp={shlex.quote(str(folder / str(number)))}"
        for number, command in enumerate(commands)
    ]


def _projects(*folders: str) -> list[dict[str, Any]]:
    """Return the tables of projects."""
    files = (f"{folder}/pyproject.toml" for folder in folders)
    return [nox.project.load_toml(file)["project"] for file in files]


def _extras() -> list[str]:
    """Return what the plugins with brokers can also use, as their extras say."""
    offered = (it.get("optional-dependencies", {}) for it in _projects(*WITH_BROKERS))
    return [pin for extras in offered for pins in extras.values() for pin in pins]


def _dependencies(*folders: str) -> list[str]:
    """Return what projects need, each other aside."""
    pins = [pin for it in _projects(*folders) for pin in it["dependencies"]]
    return [pin for pin in pins if not pin.startswith("task-")]


def _oldest(pins: list[str]) -> list[str]:
    """Return the oldest versions that are allowed."""
    return [re.sub(r">=([^,]+).*", r"==\1", pin) for pin in pins]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and the direction of imports."""
    session.install("ruff>=0.14", "import-linter>=2.3", ".")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    sources = [".", *(f"./{other}" for other in OTHERS)]
    session.install("mypy>=1.15", "pytest>=8", *sources, *_extras())
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, against the installed wheels; plugins without brokers among them.

    On the oldest Python with the oldest dependencies that we allow, on the newest with
    the newest; those between them have the unit tests.
    """
    pins = _oldest(_dependencies(".")) if session.python == PYTHONS[0] else []
    more = [*TEST_PARTNERS, *(["coverage>=7.10"] if _measured(session) else [])]
    _install_wheels(session, *pins, *more)
    if session.posargs or session.python in PYTHONS[1:-1]:
        some = session.posargs or ["tests/unit"]
        session.run(*_pytest(session, *TWO_AT_A_TIME, *some))
        return
    elsewhere = ["tests/docs", "tests/chaos", *KITS]  # sessions of their own
    if session.python != PYTHONS[-1]:
        elsewhere.append("tests/architecture")  # reads sources: once is enough
    ignored = [f"--ignore={it}" for it in elsewhere]
    session.run(*_pytest(session, *TWO_AT_A_TIME, *ignored, "tests"))
    commands = [
        shlex.join(_pytest(session, "-q", *ignored, f"{other}/tests"))
        for other in reversed(WITHOUT_BROKERS)  # the taskmasters' take longest
    ]
    commands = _apart(session, commands)
    session.run("python", "contrib/together.py", "--most", "2", "--", *commands)


@nox.session
def coverage(session: nox.Session) -> None:
    """How much of the core's branches the tests took; less than before is a failure.

    `TASK_COVERAGE=1 nox -s tests coverage`; on its own, since it doubles the time.
    """
    session.install("coverage>=7.10")
    session.run("coverage", "combine", "--quiet", success_codes=[0, 1])
    session.run("coverage", "report", "--skip-covered", *session.posargs)


def _groups(pytest: str, is_newest: bool) -> list[str]:
    """Return the commands that test with brokers, those that take longest first."""
    variants = ("TestConfluent", "TestTransactions")
    plain = f"{pytest} -k 'not ({' or '.join((*variants, 'OverTls'))})'"
    kafka = "plugins/task-bus-kafka/tests"
    kit = f"{kafka}/test_contract.py"
    groups = [f"{plain} {kit}", f"{plain} --ignore={kit} {kafka}"]
    small = [f"{it}/tests" for it in WITH_BROKERS if "kafka" not in it]
    if not is_newest:
        return groups + [f"{plain} {it}" for it in small]
    groups = [f"{pytest} -k {it} {kafka}" for it in variants] + groups
    groups += [f"{pytest} {it}" for it in small]
    longest = f"{pytest} {' '.join(TWO_AT_A_TIME)} contrib/brokers"
    return [longest, *(f"{pytest} {it}" for it in KITS), *groups]


@nox.session(python=sorted({PYTHONS[0], PYTHONS[-1]}, key=PYTHONS.index))
def brokers(session: nox.Session) -> None:
    """The conformance kit, and what needs brokers; most of it waits: some at a time.

    The plugins run on the oldest Python with the oldest dependencies that they allow,
    without the variants of the kit, and everything on the newest. A broker that is
    not here is a skip, and a failure with `BROKERS_REQUIRED=1`, as in CI.
    """
    is_newest = session.python == PYTHONS[-1]
    pins = _extras()
    if not is_newest:
        pins = _oldest([*pins, *_dependencies(".", *WITH_BROKERS)])
    _install_wheels(session, *pins, *BROKER_PARTNERS)
    results = Path(session.create_tmp()).resolve() / "contracts"
    shutil.rmtree(results, ignore_errors=True)
    session.env["PYTHONPATH"] = str(ROOT / "contrib")
    session.env["TASK_CONTRACT_RESULTS"] = str(results)
    pytest = f"pytest -p brokers.fixtures {shlex.join(session.posargs)}"
    most = ("--most", "3", "--")
    commands = _apart(session, _groups(pytest, is_newest))
    session.run("python", "contrib/together.py", *most, *commands)
    required = os.environ.get("BROKERS_REQUIRED") == "1"
    if is_newest and required and not session.posargs:
        session.run("python", "contrib/matrix.py", str(results), "--check")


@nox.session
def chaos(session: nox.Session) -> None:
    """Workers killed by the hundred: no task is lost.

    `nox -s chaos -- --minutes 60` goes on for so long, with brokers too, each round
    with other seeds. Each says its seed: with `CHAOS_SEED` that round comes first.
    """
    minutes, others = _minutes(session)
    if minutes is None:
        _install_wheels(session)
        session.run("pytest", "tests/chaos", *session.posargs)
        return
    _install_wheels(session, *_extras())
    session.env["PYTHONPATH"] = str(ROOT / "contrib")
    session.env["CHAOS_RUNS"] = runs = os.environ.get("CHAOS_RUNS", "3")
    seeds = filter(None, [os.environ.get("CHAOS_SEED")])
    chaos = ("tests/chaos", "contrib/brokers/chaos")
    ends = time.monotonic() + 60 * minutes
    while time.monotonic() < ends:
        session.env["CHAOS_SEED"] = seed = next(seeds, str(int(time.time())))
        session.log(f"a round with CHAOS_SEED={seed} CHAOS_RUNS={runs}")
        session.run("pytest", "-p", "brokers.fixtures", *chaos, *others)


def _minutes(session: nox.Session) -> tuple[float | None, list[str]]:
    """Return what `--minutes` says, and the words behind it."""
    if session.posargs[:1] != ["--minutes"]:
        return None, session.posargs
    try:
        return float(session.posargs[1]), session.posargs[2:]
    except (IndexError, ValueError):
        session.error("--minutes wants a number: nox -s chaos -- --minutes 60")


@nox.session
def docs(session: nox.Session) -> None:
    """Every command and code block of README and docs, as written."""
    _install_wheels(session)
    session.run("pytest", "--doctest-modules", "--pyargs", "task_core", "-q")
    session.run("pytest", "tests/docs", "-q")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Figures in a minute or two, each as a ratio to a yardstick of the same run.

    `nox -s benchmarks -- redis nats` starts these brokers and measures their buses.
    """
    _install_wheels(session, *_extras())
    session.env["PYTHONPATH"] = str(ROOT / "contrib")
    if session.posargs:
        session.run("python", "contrib/benchmarks", *session.posargs)
        return
    for script in (
        "start.py --rounds 15",
        "stdio_receive.py 1",
        "pipe.py --tasks 200000 --rounds 1",
        "__main__.py sqlite --messages 2000 --rounds 1",
    ):
        session.run("python", *shlex.split(f"contrib/benchmarks/{script}"))


@nox.session
def changelog(session: nox.Session) -> None:
    """What the next release would say of itself, made of the fragments."""
    session.install("towncrier>=24.8")
    session.run("towncrier", "build", "--draft")


@nox.session
def wheels(session: nox.Session) -> None:
    """The wheels of all distributions, in `.nox/made/wheels`."""
    _build(session, WHEELS)


@nox.session(python=False)
def everything(session: nox.Session) -> None:
    """What must hold, in three lanes that take about as long."""
    again = [sys.executable, "-m", "nox", "-s"]
    session.run(*again, "wheels")
    session.env["TASK_WHEELS"] = str(WHEELS)
    oldest, *others = PYTHONS
    lanes = (
        ["lint", "types", *_on("tests", oldest), *_on("brokers", oldest)],
        ["changelog", *_on("tests", *others), "chaos"],
        [*_on("brokers", *others[-1:]), "docs"],
    )
    commands = [shlex.join([*again, *lane]) for lane in lanes]
    session.run(sys.executable, "contrib/together.py", "--live", *commands)


def _on(session: str, *pythons: str) -> list[str]:
    """Return the names of a session on some Pythons."""
    return [f"{session}-{python}" for python in pythons]
