"""Tables of the TOML file become words for `task launch`."""

import attrs
import pytest

from task_core.builtin import PLUGINS
from task_core.cli.launches import Launches
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError
from task_core.options import option

VAULT = """
import attrs
from task_core.api import BusPlugin, Capabilities, UrlPart, option

@attrs.frozen(kw_only=True)
class Options:
    host: str = option("", help="Host.", url=UrlPart.HOST)
    keys: tuple[str, ...] = option((), help="Keys.", secret=True)
    password: str = option("", help="Password.", url=UrlPart.PASSWORD)

plugin = BusPlugin(
    name="vault", summary="A bus.", capabilities=Capabilities(), options=Options,
    open=lambda options, context: None,
)
"""


@attrs.frozen(kw_only=True)
class Own:
    """What the command has beside the flags."""

    instances: int = option(1, help="Processes.")


@pytest.fixture
def read(tmp_path):
    """Read one table `[up.one]`."""

    def read(text):
        file = tmp_path / "task.toml"
        file.write_text(f'[launch]\nbus = "memory"\n[up.one]\n{text}\n')
        catalog = Catalog.scan(PLUGINS)
        (launch,) = Launches(catalog, "up", Own, str(file)).read()
        assert launch.words[:3] == ("launch", "--config", str(file))
        return launch

    return read


def test_keys_are_flags_of_the_launch_and_of_what_it_selects(read):
    """Switches and lists as they are written."""
    launch = read(
        'worker = "nop"\nconcurrency = 2\nkill-time = "3s"\ndrain = true\n'
        'fail = false\nhooks = ["a.py", "b.py"]\nworker_dur = "5ms"\ninstances = 3'
    )
    assert set(launch.words[3:]) == {
        *("--worker=nop", "--concurrency=2", "--kill-time=3s", "--drain", "--no-fail"),
        *("--hooks=a.py", "--hooks=b.py", "--worker-dur=5ms"),
    }
    assert (launch.own.instances, launch.kill_time) == (3, 3.0)
    assert launch.buses == ["memory"]


def test_the_url_of_a_bus_goes_by_the_environment(read):
    """It may hold a password, and lists of processes are for everybody."""
    launch = read('worker = "nop"\nbus = "file:x.json"\nbus_follow = true')
    assert launch.environment == {"TASK_LAUNCH_BUS": "file:x.json"}
    assert "x.json" not in " ".join(launch.words)
    assert launch.words[-1] == "--bus-follow"


@pytest.mark.parametrize("text", ["true", '"yes"', '"on"', "1", '"1"'])
@pytest.mark.parametrize("opposite", [False, True])
def test_a_switch_is_what_it_is_under_every_table(read, text, opposite):
    """Texts and numbers too; they may not be turned round on the way."""
    no = {"true": "false", '"yes"': '"no"', '"on"': '"off"', "1": "0", '"1"': '"0"'}
    launch = read(f'worker = "nop"\ndrain = {no[text] if opposite else text}')
    assert launch.words[-1] == ("--no-drain" if opposite else "--drain")


def test_a_list_of_secrets_reaches_the_processes_whole(read, install):
    """In the one variable that there is for it."""
    install("bus", "vault", VAULT)
    launch = read('worker = "nop"\nbus = "vault"\nbus_keys = ["a=b", "c=d"]')
    assert launch.environment["TASK_BUS_VAULT_KEYS"] == "a=b,c=d"
    assert "a=b" not in " ".join(launch.words)


TWO = 'worker = "nop"\nin_bus = "vault://a"\nout_bus = "vault://b"\n'
SHARED = "a process gets it as TASK_BUS_VAULT_PASSWORD, which both buses read: write"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TWO + 'in_bus_password = "1"\nout_bus_password = "2"', SHARED),
        (TWO + 'in_bus_password = "1"', SHARED),
        (
            'worker = "nop"\nbus = "vault://:1@a"\nbus_password = "2"',
            "TASK_BUS_VAULT_PASSWORD, which counts less than the URL: write it",
        ),
    ],
    ids=["two", "one", "url"],
)
def test_a_secret_that_a_process_would_not_have_as_meant_is_refused(
    read, install, text, said
):
    """Else a server would be shown the password of another."""
    install("bus", "vault", VAULT)
    with pytest.raises(OptionError) as caught:
        read(text)
    assert said in str(caught.value)
    assert "bus_password: " in str(caught.value)
    assert "write it into the URL alone, as '?password=…'" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        TWO + 'in_bus_password = "1"\nout_bus_password = "1"',
        TWO.replace("//b", "//:2@b") + 'in_bus_password = "1"',
    ],
    ids=["same", "url"],
)
def test_two_buses_of_a_kind_may_have_what_suits_both(read, install, text):
    """One password, or the other in its URL."""
    install("bus", "vault", VAULT)
    assert read(text).environment["TASK_BUS_VAULT_PASSWORD"] == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('worker = "nop"\nworker_dur = "long"', "line 5: worker_dur: "),
        ('worker = "nop"\nworker_durr = "1s"', "did you mean 'worker_dur'"),
        ('worker = "nop"\ntaskmaster = "./x.py:y"', "line 3: "),
        ('worker = "nop"\nconcurrency = "many"', "line 5: concurrency: "),
        ("worker = 1", "line 3: "),
        ('worker = "nop"\nhooks = [1]\nlease = {}', "lease"),
        ('worker = "nop"\nkill-time = "x"', "line 5: kill_time: "),
        (
            'worker = "nop"\nmax_tasks = 1\nmax-tasks = 2',
            "line 6: 'max-tasks' is 'max_tasks' once more: leave out one",
        ),
        ('worker = "nop"\ndone_topic = "a\\u0000b"', "line 5: done_topic: holds a NUL"),
        ('worker = "exec:./a\\u0000"', "line 4: worker: holds a NUL"),
        ('worker = "nop"\nbus = "file:a\\u0000"', "line 5: bus: holds a NUL"),
        ('worker = "nop"\nhooks = ["a", "\\u0000"]', "line 5: hooks: holds a NUL"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, text, said):
    """Before anything starts."""
    with pytest.raises(OptionError, match=said):
        read(text)
