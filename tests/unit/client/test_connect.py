"""Rules of `connect`: a bus is found and told its options as on the command line."""

import subprocess
import sys

import attrs
import pytest

from task_core import connect, open_bus
from task_core.api.plugin import BusPlugin
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError, UnknownPluginError, UsageError
from task_core.options import option


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_url_names_bus_and_options(here):
    """As behind `--bus`."""
    with connect("file://tasks.json") as tasks:
        tasks.send("load", "a")
    assert b'"info":"a"' in (here / "load").read_bytes()


def test_arguments_are_stronger_than_the_url_and_that_than_the_environment(
    here, monkeypatch
):
    """And a file is the weakest but for defaults."""
    monkeypatch.setenv("TASK_BUS_SQLITE_PATH", "environment.db")
    (here / "task.toml").write_text('[bus.sqlite]\npath = "toml.db"\nkeep = "1h"\n')
    for url, options, path in (
        ("sqlite://url.db", {"path": "argument.db"}, "argument.db"),
        ("sqlite://url.db", {}, "url.db"),
        ("sqlite", {}, "environment.db"),
    ):
        with connect(url, **options) as tasks:
            tasks.send("load")
        assert (here / path).exists()
    assert not (here / "toml.db").exists()


def test_the_environment_selects_the_bus_when_nobody_does(here, monkeypatch):
    """As for `task send`."""
    monkeypatch.setenv("TASK_LAUNCH_BUS", "sqlite://chosen.db")
    with connect() as tasks:
        tasks.send("load")
    assert (here / "chosen.db").exists()


def test_a_list_keeps_its_items_whole():
    """Also one with a comma in it; a text is separated, as everywhere."""

    @attrs.frozen(kw_only=True)
    class Options:
        settings: tuple[str, ...] = option((), help="Settings.")
        path: str = option("", help="Path.")

    seen = []
    catalog = Catalog()
    bus = BusPlugin(
        name="my-bus",
        summary="Mine.",
        options=Options,
        capabilities=MEMORY,
        open=lambda options, _: seen.append(options) or MemoryBus("x", MEMORY, 1.0),
    )
    catalog.register("bus", bus)
    for settings in (["ciphers=A,B", "b=c"], ("ciphers=A,B",), "a=b,c=d"):
        open_bus("my-bus", settings=settings, catalog=catalog).close()
    assert [one.settings for one in seen] == [
        ("ciphers=A,B", "b=c"),
        ("ciphers=A,B",),
        ("a=b", "c=d"),
    ]
    with pytest.raises(OptionError, match="path: not TEXT but a list"):
        open_bus("my-bus", path=["a", "b"], catalog=catalog)


def test_an_unknown_bus_is_refused_at_once():
    """With the nearest name."""
    with pytest.raises(UnknownPluginError, match="did you mean 'sqlite'"):
        connect("sqlit")


def test_an_unknown_option_is_refused_at_once():
    """With the nearest name; in the URL as well."""
    with pytest.raises(OptionError, match="no option 'pth': did you mean 'path'"):
        connect("sqlite", pth="x")
    with pytest.raises(OptionError, match="no option 'kep'"):
        connect("sqlite://x.db?kep=1h")


def test_a_wrong_value_is_refused_at_once():
    """All of them together."""
    with pytest.raises(OptionError) as caught:
        connect("sqlite", sync="never", keep="soon")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("open_", [connect, open_bus])
def test_a_wrong_value_is_told_with_its_argument(open_):
    """A program has no flags."""
    with pytest.raises(OptionError) as caught:
        open_("sqlite", keep="soon")
    assert str(caught.value) == "keep: not a duration like 10s or 1h30m: 'soon'"
    with pytest.raises(OptionError, match="^bus.sqlite.keep "):
        open_("sqlite://x.db?keep=soon")  # which is no argument


@attrs.frozen(kw_only=True)
class Needy:
    """Options, one of which is required."""

    address: str = option(help="Address.")


class OneBus:
    """A catalog of one bus."""

    def names(self, kind):
        return ["needy"]

    def manifest(self, kind, text):
        plugin = BusPlugin(
            api=1,
            name="needy",
            summary="",
            options=Needy,
            capabilities=MEMORY,
            open=MemoryBus,
        )
        return plugin, ""


@pytest.mark.parametrize("open_", [connect, open_bus])
def test_an_argument_that_is_required_is_asked_for_by_its_name(open_):
    """Not by a flag."""
    with pytest.raises(OptionError) as caught:
        open_("needy", catalog=OneBus())
    assert str(caught.value) == (
        "bus.needy.address is required: give address or set TASK_BUS_NEEDY_ADDRESS"
    )


@pytest.mark.parametrize("url", [3, b"sqlite", ["sqlite"], {}])
@pytest.mark.parametrize("open_", [connect, open_bus])
def test_what_names_no_bus_is_refused_at_once(open_, url):
    """With an example of what does."""
    with pytest.raises(UsageError) as caught:
        open_(url)
    assert str(caught.value) == (
        f"the name or URL of a bus is wanted, not {url!r}: for example"
        " 'sqlite://task.db'"
    )


@pytest.mark.parametrize(
    ("argument", "value", "text"),
    [
        ("lease", "soon", "lease: not a duration like 10s or 1h30m: 'soon'"),
        ("lease", -1, "lease: must be more than nothing, got -1"),
        ("done_topic", "", "done_topic: '' is no topic; say where done tasks go"),
        ("done_topic", 3, "done_topic: 3 is no topic; say where done tasks go"),
    ],
)
def test_other_arguments_are_checked_at_once_too(argument, value, text):
    """Not when the bus is opened, in a thread."""
    with pytest.raises(UsageError) as caught:
        connect("memory:x", **{argument: value})
    assert str(caught.value) == text


def test_nothing_is_opened_before_the_first_use(here):
    """A client may be made when a program is imported."""
    connect("sqlite://task.db").close()
    assert list(here.iterdir()) == []


def test_the_import_is_light():
    """Those who only send pay for no click, no asyncio and no launcher."""
    code = (
        "import sys, task_core; task_core.connect;"
        "print(*sorted({'asyncio', 'click', 'pluggy', 'stevedore'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("opens", [connect, open_bus])
@pytest.mark.parametrize("url", [None, ""])
def test_a_program_goes_to_no_bus_by_default(opens, url):
    """Its tasks would end on its stdout, and count as sent."""
    with pytest.raises(UsageError, match="no bus is set: give a name or URL"):
        opens(url)
    opens("stdout").close()
