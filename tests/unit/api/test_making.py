"""Rules of decorated workers as objects: callable, and makers of their own tasks."""

from dataclasses import dataclass

import attrs
import msgspec
import pytest

from task_core.api import Task, WorkerContext, parse_info, worker


@attrs.frozen
class Attrs:
    path: str
    table: str
    batch: int = 1000


@dataclass(frozen=True)
class Data:
    path: str
    table: str
    batch: int = 1000


class Struct(msgspec.Struct, frozen=True):
    path: str
    table: str
    batch: int = 1000


@attrs.frozen(kw_only=True)
class AttrsOfAJob:
    path: str
    job: str = "none"


@dataclass(kw_only=True)
class DataOfAJob:
    path: str
    job: str = "none"


class StructOfAJob(msgspec.Struct, kw_only=True):
    path: str
    job: str = "none"


def load_with(params):
    def load(params: params, ctx: WorkerContext) -> None:
        """Load."""

    load.__annotations__["params"] = params
    return worker(load)


@worker
def greet_all(info: str) -> str:
    """Greet."""
    return f"Hello {info}"


def test_a_decorated_function_can_be_called():
    """As in a test of its own."""
    assert greet_all("Ada") == "Hello Ada"


def test_a_worker_makes_tasks_of_its_type():
    """With an id, as `Task.new` does."""
    task = greet_all.task("Ada", meta={"a": "b"}, job="j", id="7")
    assert (task.type, task.info, task.meta) == ("greet_all", "Ada", "a=b")
    assert (task.job, task.id) == ("j", "7")
    assert greet_all.task().info == ""


@pytest.mark.parametrize("params", [Attrs, Data, Struct])
def test_parameters_become_an_info_string_that_the_worker_reads_back(params):
    """Whatever kind of class they are."""
    load = load_with(params)
    task = load.task(path="/a.csv", table="sales", batch=5)
    assert parse_info(params, task.info) == params("/a.csv", "sales", 5)
    assert load.task(params("/a.csv", "sales")).info == "/a.csv?table=sales"


@pytest.mark.parametrize("params", [Attrs, Data, Struct])
@pytest.mark.parametrize(
    "fields",
    [
        {"path": "/a"},
        {"path": "/a", "table": "t", "tabel": "x"},
        {"path": "/a", "table": "t", "batch": "many"},
    ],
)
def test_what_does_not_fit_is_a_type_error_at_the_caller(params, fields):
    """Missing, unknown, or of a wrong type: before anything is sent."""
    with pytest.raises(TypeError, match="^load: "):
        load_with(params).task(**fields)


@pytest.mark.parametrize("params", [Attrs, Data, Struct])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"path": "/a"}, "load: parameter 'table' is missing"),
        (
            {"path": "/a", "tabel": "x"},
            "load: there is no parameter 'tabel': did you mean 'table'?",
        ),
        ({"path": "/a", "table": "t", "job": "j", "x": 1}, "no parameter 'x'"),
    ],
)
def test_the_parameter_that_does_not_fit_is_named(params, fields, text):
    """In the words of who calls, whatever kind of class it is."""
    with pytest.raises(TypeError) as caught:
        load_with(params).task(**fields)
    assert text in str(caught.value)
    assert "__init__" not in str(caught.value)


def test_an_info_is_one_text():
    """Nothing else can be one."""
    for act in (
        lambda: greet_all.task(7),
        lambda: greet_all.task("a", "b"),
        lambda: greet_all.task(name="Ada"),
        lambda: load_with(Attrs).task("/a?table=t"),
    ):
        with pytest.raises(TypeError):
            act()


def test_a_worker_that_takes_the_task_gets_an_info():
    """A task is no class of parameters."""

    @worker
    def see(task: Task) -> None:
        """See."""

    assert see.task("x").info == "x"


@pytest.mark.parametrize("params", [AttrsOfAJob, DataOfAJob, StructOfAJob])
def test_a_parameter_that_is_called_as_a_field_of_the_task_is_a_parameter(params):
    """Whether the class declares it or inherits it."""

    class Inherits(params):
        pass

    for each in (params, Inherits):
        task = load_with(each).task(path="/a", job="nightly", id="7")
        assert (task.info, task.job, task.id) == ("/a?job=nightly", "", "7")


def test_so_is_one_whose_attribute_has_another_name():
    """What the constructor calls it counts."""

    @attrs.frozen
    class Private:
        path: str
        _job: str = "none"

    task = load_with(Private).task(path="/a", job="nightly")
    assert task.job == ""


@pytest.mark.parametrize("params", [Data, Struct])
def test_a_parameter_that_no_info_string_can_give_is_named(params):
    """With what would be read, or with what is wrong with it."""
    load = load_with(params)
    with pytest.raises(TypeError, match="^load: .*: batch: '5' would be read as 5$"):
        load.task(path="/a", table="t", batch="5")
    with pytest.raises(TypeError, match="^load: .*: table is required$"):
        load.task(path="/a", table="")


@dataclass
class Unreadable:
    path: "Nowhere"  # noqa: F821


def test_a_worker_whose_parameters_cannot_be_told_makes_no_task():
    """As a launcher says it: what is imported for type checkers alone is not there."""

    @worker
    def load(params: Data, ctx: "Nowhere") -> None:  # noqa: F821
        """Load."""

    with pytest.raises(TypeError) as caught:
        load.task(path="/a", table="t")
    assert str(caught.value) == (
        "load: its signature is unreadable: NameError: name 'Nowhere' is not defined;"
        " import what its annotations name at run time, not only for type checkers"
    )
    with pytest.raises(TypeError, match="^load: name 'Nowhere' is not defined"):
        load_with(Unreadable).task(path="/a")


def test_a_lambda_without_a_name_makes_no_task():
    """Nobody reads what is called `<lambda>`."""
    text = "^a lambda has no name: give one, or write the worker with def$"
    with pytest.raises(TypeError, match=text):
        worker(lambda info: info).task("x")
    assert worker(name="rows")(lambda info: info).task("x").type == "rows"
