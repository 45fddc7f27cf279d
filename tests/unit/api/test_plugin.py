"""Rules of `task_core.api.plugin`."""

from functools import partial

import attrs
import pytest

from task_core.api.bus import Bus, BusContext
from task_core.api.capabilities import Capabilities
from task_core.api.decorators import taskmaster, worker
from task_core.api.plugin import (
    API_VERSIONS,
    BusPlugin,
    NoOptions,
    TaskmasterPlugin,
    WorkerPlugin,
)
from task_core.api.worker import Worker
from task_core.errors import WorkerError
from task_core.launcher.signature import as_plugin


@attrs.frozen(kw_only=True)
class Options:
    """Options of some worker."""

    table: str = "t"


def test_a_decorated_function_is_an_entry_point_as_it_stands():
    """Name, type and summary are those of the function."""

    @worker
    def load_rows(info):
        """Load rows.

        More about it.
        """

    assert isinstance(load_rows, WorkerPlugin)
    assert (load_rows.name, load_rows.type) == ("load_rows", "load_rows")
    assert load_rows.summary == "Load rows."
    assert load_rows.options is NoOptions


def test_the_function_comes_back():
    """It can be called and tested as it was written."""

    def load(info):
        return info

    assert worker(load).make(NoOptions()) is load
    assert worker(options=Options)(load).make(Options()) is load


def test_name_type_and_options_may_be_given():
    """Each by itself."""

    @worker(name="rows", task_type="load", options=Options)
    def load(info):
        pass

    assert (load.name, load.type, load.options) == ("rows", "load", Options)
    assert load.summary == ""
    assert worker(name="rows")(lambda info: None).type == "rows"


def test_a_class_is_made_by_the_launcher():
    """With its options, if it declares some."""

    @worker
    class Plain(Worker):
        """Do nothing."""

        def do_task(self, ctx):
            pass

    @worker(options=Options)
    class Loader(Worker):
        """Load."""

        def __init__(self, options):
            self.options = options

        def do_task(self, ctx):
            pass

    assert isinstance(Plain.make(NoOptions()), Worker)
    assert Loader.make(Options(table="x")).options.table == "x"
    assert (Plain.name, Plain.summary) == ("plain", "Do nothing.")


@pytest.mark.parametrize("target", [3, "load", [1]])
def test_only_functions_and_classes_can_be_workers(target):
    """The error says what was there instead."""
    with pytest.raises(WorkerError, match="@worker needs a function or a class, not "):
        worker(target)


@pytest.mark.parametrize("declare", [worker, taskmaster])
@pytest.mark.parametrize(
    ("argument", "value", "text"),
    [
        ("name", "", "name: it is empty; leave it out to take that of the function"),
        ("name", 3, "name: a text is wanted, not 3"),
        ("options", dict, "options: an attrs class is wanted, not <class 'dict'>"),
        ("options", 3, "options: an attrs class is wanted, not 3"),
    ],
)
def test_what_makes_no_worker_is_refused_where_it_is_written(
    declare, argument, value, text
):
    """And not when somebody launches it."""
    with pytest.raises((TypeError, ValueError)) as caught:
        declare(**{argument: value})
    assert str(caught.value) == text


def test_an_argument_that_there_is_not_has_a_hint():
    """As every option that is misspelt."""
    with pytest.raises(TypeError) as caught:
        worker(retrys=3)
    assert str(caught.value) == (
        "@worker has no argument 'retrys': did you mean 'retries'?"
    )


@pytest.mark.parametrize(
    "manifest",
    [
        BusPlugin(name="a", summary="A.", capabilities=Capabilities(), open=Bus),
        WorkerPlugin(name="a", summary="A.", make=Worker),
        TaskmasterPlugin(name="a", summary="A.", make=Worker),
    ],
)
def test_a_manifest_is_frozen_and_speaks_the_oldest_api(manifest):
    """An author who says nothing meant the version that was there first."""
    assert manifest.api == 1
    assert manifest.options is NoOptions
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        manifest.name = "b"


@pytest.mark.parametrize("kind", ["bus", "worker", "taskmaster"])
def test_every_kind_accepts_a_range_of_versions(kind):
    """From the oldest to the newest."""
    oldest, newest = API_VERSIONS[kind]
    assert 1 <= oldest <= newest


def test_a_bus_is_opened_for_both_unless_told():
    """With half a minute of lease, as promised."""
    context = BusContext()
    assert (context.role, context.lease) == ("both", 30.0)


def test_what_opens_a_bus_may_stand_as_text():
    """It is imported when it is called: the manifest need not import anything."""
    bus = BusPlugin(
        name="x", summary="", capabilities=Capabilities(), open="no_module:open"
    )
    with pytest.raises(ModuleNotFoundError, match="no_module"):
        bus.open(NoOptions(), BusContext())
    path = WorkerPlugin(name="x", summary="", make="os.path:basename")
    assert path.make("a/b") == "b"


def test_an_object_that_can_be_called_is_named_after_its_class():
    """It has no name of its own; `async def __call__` is awaited as well."""

    class Load:
        """Load."""

        async def __call__(self, info: str) -> str:
            return info

    plugin = worker(Load())
    assert (plugin.name, plugin.summary) == ("load", "Load.")


def fetchFile(twice, info):  # noqa: N802  as some write it
    """Fetch."""


class Fetch:
    def __call__(self, info):
        """Fetch."""


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (fetchFile, "fetchFile"),
        (partial(fetchFile, "k"), "fetchFile"),
        (partial(partial(fetchFile), "k"), "fetchFile"),
        (Fetch(), "fetch"),
        (partial(Fetch()), "fetch"),
    ],
)
def test_a_worker_has_the_same_name_decorated_or_not(target, name):
    """Else the one reads another topic than the other."""
    assert (worker(target).type, as_plugin(target).type) == (name, name)
    assert taskmaster(target).name == name


def test_a_partial_tells_of_its_function():
    """Not of `partial`."""
    assert worker(partial(fetchFile, "k")).summary == "Fetch."
    with pytest.raises(WorkerError, match="^fetchFile: a taskmaster with options is"):
        taskmaster(options=Options)(partial(fetchFile, "k"))
