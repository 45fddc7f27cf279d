"""Rules of `task_core.launcher.signature`: what a worker may look like."""

import dataclasses
import functools
import types

import attrs
import msgspec
import pytest

from task_core.api.worker import Worker, WorkerContext
from task_core.errors import InfoError, WorkerError
from task_core.launcher.signature import compile_call
from task_core.task import Task

TASK = Task(type="load", info="a/b?n=3")
CONTEXT = object()


@attrs.frozen
class Params:
    path: str
    n: int = 1


def with_info(info: str):
    return info


def without_annotation(info):
    return info


def with_task(task: Task):
    return task.info


def with_params(params: Params):
    return f"{params.path} {params.n}"


@dataclasses.dataclass
class Plain:
    path: str
    n: int = 1


class Struct(msgspec.Struct):
    path: str
    n: int = 1


def with_dataclass(params: Plain):
    return f"{params.path} {params.n}"


def with_struct(params: Struct):
    return f"{params.path} {params.n}"


@pytest.mark.parametrize(
    ("worker", "returned"),
    [
        (with_info, "a/b?n=3"),
        (without_annotation, "a/b?n=3"),
        (with_task, "a/b?n=3"),
        (with_params, "a/b 3"),
        (with_dataclass, "a/b 3"),
        (with_struct, "a/b 3"),
        (lambda info: info, "a/b?n=3"),
        (functools.partial(lambda n, info: info * n, 1), "a/b?n=3"),
    ],
)
def test_the_first_parameter_says_what_a_worker_gets(worker, returned):
    """Info text, the task, or parameters read from the info."""
    call = compile_call(worker)
    assert not call.wants_context
    assert call.invoke(TASK, None) == returned


def test_a_second_parameter_is_the_context():
    """When it must be given, or says that it is one; another with a default is not."""

    def required(info, ctx):
        return ctx

    def annotated(info, ctx: WorkerContext = None):
        return ctx

    def other(info, verbose=False):
        return verbose

    assert compile_call(required).invoke(TASK, CONTEXT) is CONTEXT
    assert compile_call(annotated).invoke(TASK, CONTEXT) is CONTEXT
    assert compile_call(other).invoke(TASK, CONTEXT) is False


def test_an_async_def_is_recognized_in_every_form():
    """A function, a partial of one, a method of a Worker class."""

    async def function(info):
        """Do nothing."""

    class Waiting(Worker):
        async def do_task(self, ctx):
            """Do nothing."""

    assert compile_call(function).is_async
    assert compile_call(functools.partial(function)).is_async
    assert compile_call(Waiting()).is_async
    assert not compile_call(with_info).is_async


def test_a_worker_object_gets_the_context_and_is_closed_by_its_close():
    """One object serves all tasks."""

    class Counting(Worker):
        seen = 0

        def do_task(self, ctx):
            self.seen += 1
            return ctx

        def close(self):
            self.seen = -1

    worker = Counting()
    call = compile_call(worker)
    assert call.wants_context
    assert call.invoke(TASK, CONTEXT) is CONTEXT
    call.close()
    assert worker.seen == -1


class Shy(Worker):
    def do_task(self, ctx):
        """Do nothing."""


def no_parameters():
    """Do nothing."""


def three(info, ctx, more):
    """Do nothing."""


def keyword_only(info, *, ctx):
    """Do nothing."""


def context_first(ctx: WorkerContext):
    """Do nothing."""


def bare_context_first(ctx, info):
    """Do nothing."""


class Plain:
    """Lacks its base."""

    def do_task(self, task, ctx):
        """Do nothing."""


def number(n: int):
    """Do nothing."""


def unknown(info: "Nowhere"):  # noqa: F821
    """Do nothing."""


def yields(info: str):
    yield info


async def yields_later(info: str):
    yield info


class Yielding(Worker):
    def do_task(self, ctx):
        yield ctx


class YieldingLater(Worker):
    async def do_task(self, ctx):
        yield ctx


class YieldingCall:
    def __call__(self, info: str):
        yield info


@pytest.mark.parametrize(
    ("worker", "text"),
    [
        (yields, r"worker 'yields' has a yield, .*: write return in place of yield"),
        (yields_later, "worker 'yields_later' has a yield"),
        (functools.partial(yields), "worker 'yields' has a yield"),
        (Yielding(), "worker 'Yielding.do_task' has a yield"),
        (YieldingLater(), "worker 'YieldingLater.do_task' has a yield"),
        (YieldingCall(), r"worker '.*YieldingCall.*' has a yield"),
        (Shy, "give a function or a Worker"),
        (5, "not a worker but 5"),
        (Plain(), r"of the class Plain: give a function or .*, class Plain\(Worker\)$"),
        (no_parameters, "'no_parameters' must take one parameter"),
        (three, "may take a context as the second, not"),
        (keyword_only, "must take one parameter"),
        (context_first, r"context comes second, for example def context_first\(info"),
        (bare_context_first, r"context comes second, for example def bare_context_f"),
        (number, "parameter 'n' must be str, Task or an attrs class"),
        (unknown, "import what its annotations name at run time"),
    ],
)
def test_what_cannot_be_called_is_refused_with_what_to_do(worker, text):
    """Before any task is received."""
    with pytest.raises(WorkerError, match=text):
        compile_call(worker)


def test_wrong_parameters_name_the_field():
    """The worker is not called."""
    call = compile_call(with_params)
    with pytest.raises(InfoError, match="n"):
        call.invoke(Task(type="load", info="a?n=many"), None)


def test_a_key_that_the_parameters_do_not_have_is_an_error_unless_told():
    """`?bach=50` would run with the default, and nobody would see it."""
    task = Task(type="load", info="a?m=1")
    with pytest.raises(InfoError, match="there is no key 'm'"):
        compile_call(with_params).invoke(task, None)
    lenient = compile_call(with_params, strict=False)
    assert lenient.invoke(task, None) == compile_call(with_params).invoke(
        Task(type="load", info="a"), None
    )


def test_parameters_that_no_text_can_fill_are_refused_at_the_start():
    """Not with the first task."""

    @attrs.frozen
    class Wrong:
        thing: types.ModuleType

    def worker(params: Wrong):
        """Do nothing."""

    with pytest.raises(WorkerError):
        compile_call(worker)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


def test_a_decorator_may_ask_for_what_a_worker_yields():
    """Then a call does something."""

    def lists(function):
        return functools.wraps(function)(lambda info: list(function(info)))

    assert compile_call(lists(yields)).invoke(TASK, None) == ["a/b?n=3"]


class AsyncCall:
    async def __call__(self, info: str):
        return info


@decorated
async def behind_a_decorator(info: str):
    return info


@pytest.mark.parametrize("worker", [AsyncCall(), behind_a_decorator])
def test_what_returns_something_to_await_is_async(worker):
    """Whatever it looks like from outside."""
    assert compile_call(worker).is_async
