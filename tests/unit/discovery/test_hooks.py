"""Rules of `task_core.discovery.hooks`: hooks help, and never harm."""

import inspect
import logging
import types

import attrs
import msgspec
import pytest

from task_core.api import HooksPlugin, hookimpl, option
from task_core.api.hooks import DECIDERS, HookSpecifications
from task_core.discovery.catalog import Catalog
from task_core.discovery.found import Found
from task_core.discovery.hooks import PATIENCE, Listeners
from task_core.errors import (
    BusError,
    HookError,
    PluginContractError,
    PluginError,
    UsageError,
)


def listeners_of(*plugins):
    listeners = Listeners()
    for number, plugin in enumerate(plugins):
        listeners.add(Found(kind="hooks", name=f"h{number}", distribution="d"), plugin)
    return listeners


class Listener:
    """Hears which tasks start; fails as often as it is told."""

    def __init__(self, failures=0, error=ValueError):
        self.heard = []
        self.failures = failures
        self.error = error

    @hookimpl
    def task_started(self, task):
        self.heard.append(task)
        if self.failures:
            self.failures -= 1
            raise self.error("no")


def test_nobody_is_none():
    """So that the launcher need not call anything for each task."""
    listeners = listeners_of(Listener())
    assert listeners.observer("task_finished") is None
    assert listeners.decider("task_should_run") is None


def test_observers_are_all_told_even_if_one_fails(caplog):
    """Whatever it raises, `SystemExit` included."""
    good, bad = Listener(), Listener(1, SystemExit)
    listeners_of(good, bad, Listener(1)).observer("task_started")(task=1)
    assert (good.heard, bad.heard) == ([1], [1])
    assert "hooks 'h1' of d: task_started failed: SystemExit: no" in caplog.text


def test_an_observer_is_muted_after_ten_failures_in_a_row(caplog):
    """It would only flood the log."""
    bad = Listener(failures=1000)
    tell = listeners_of(bad).observer("task_started")
    for number in range(PATIENCE + 5):
        tell(task=number)
    assert len(bad.heard) == PATIENCE
    assert caplog.text.count("muted after 10") == 1


def test_a_success_between_failures_is_forgiving():
    """Only failures in a row count."""
    bad = Listener(failures=PATIENCE - 1)
    tell = listeners_of(bad).observer("task_started")
    for _ in range(PATIENCE):
        tell(task=0)
    bad.failures = PATIENCE - 1
    for _ in range(PATIENCE):
        tell(task=0)
    assert len(bad.heard) == 2 * PATIENCE


def test_an_interrupt_passes():
    """Ctrl-C always works."""
    tell = listeners_of(Listener(1, KeyboardInterrupt)).observer("task_started")
    with pytest.raises(KeyboardInterrupt):
        tell(task=0)


def test_an_implementation_may_take_fewer_arguments():
    """So that new ones break nobody."""

    class Short:
        """Wants neither task nor outcome."""

        calls = 0

        @hookimpl
        def task_finished(self):
            self.calls += 1

    short = Short()
    listeners_of(short).observer("task_finished")(task=1, outcome=2)
    assert short.calls == 1


def decider(answer):
    class Decider:
        """Gives one answer."""

        @hookimpl
        def task_retry_delay(self, attempt):
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Decider()


def test_the_first_answer_of_deciders_wins():
    """None is no answer, zero is one."""
    ask = listeners_of(decider(5), decider(0), decider(None)).decider(
        "task_retry_delay"
    )
    assert ask(task=1, attempt=1, outcome=None) == 0


def test_what_a_decider_raises_is_the_callers_to_know():
    """It is an error of the task."""
    ask = listeners_of(decider(ValueError("no"))).decider("task_retry_delay")
    text = r"^hooks 'h0' of d: task_retry_delay failed: ValueError: no$"
    with pytest.raises(HookError, match=text) as caught:
        ask(task=1, attempt=1, outcome=None)
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_a_decider_needs_is_said_to_who_sends():
    """A store that is away is no mistake of the plugin."""

    class Once:
        """Cannot tell."""

        @hookimpl
        def task_claim_send(self):
            raise BusError("away")

    ask = listeners_of(Once()).decider("task_claim_send")
    with pytest.raises(BusError, match="^away$"):
        ask(task=1, topic="x", seconds=1.0)


def test_a_person_may_interrupt_a_decider():
    """Ctrl-C always works."""

    class Slow:
        """Is waited for."""

        @hookimpl
        def task_should_run(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listeners_of(Slow()).decider("task_should_run")(task=1)


@pytest.mark.parametrize("hook", sorted(DECIDERS))
def test_an_answer_of_another_kind_names_its_plugin(hook):
    """The first one that answers, however many there are."""

    def answers(value):
        return types.SimpleNamespace(**{hook: hookimpl(lambda: value, specname=hook)})

    listeners = listeners_of(answers(3), answers({}))
    spec = inspect.signature(getattr(HookSpecifications, hook))
    facts = dict.fromkeys([*spec.parameters][1:])
    with pytest.raises(HookError) as caught:
        listeners.decider(hook)(**facts)
    assert str(caught.value).startswith(f"hooks 'h1' of d: {hook} returned dict, want")
    assert str(caught.value).endswith(" or None")


@pytest.mark.parametrize(
    "answer",
    [
        ("text/plain", "up"),
        ("text/plain", None),
        ("text/plain",),
        ("text/plain", b"up", 200),
        (None, b"up"),
        ("text/plain\r\nSet-Cookie: a=b", b"up"),
        (),
    ],
)
def test_a_page_is_a_content_type_and_bytes(answer):
    """The server could send nothing else, and its client would get no answer."""

    def listening(value):
        page = types.SimpleNamespace(status_page=hookimpl(lambda path: value))
        return listeners_of(page).decider("status_page")

    with pytest.raises(HookError, match=r"^hooks 'h0' of d: status_page .* of bytes"):
        listening(answer)(path="/up")
    assert listening(("text/plain", b""))(path="/up") == ("text/plain", b"")


def test_a_decider_with_another_around_it_names_all_of_them():
    """Nobody knows which it was."""

    class Around:
        """Looks at the answer."""

        @hookimpl(wrapper=True)
        def task_retry_delay(self):
            return (yield)

    ask = listeners_of(decider("soon"), Around()).decider("task_retry_delay")
    with pytest.raises(HookError) as caught:
        ask(task=1, attempt=1, outcome=None)
    assert "'h1' of d and hooks 'h0' of d: task_retry_delay r" in str(caught.value)
    good = listeners_of(decider(4), Around()).decider("task_retry_delay")
    assert good(task=1, attempt=1, outcome=None) == 4


def test_a_module_can_be_a_plugin():
    """The usual form."""
    module = types.ModuleType("m")
    heard = []

    def bus_opened(bus):
        heard.append(bus)

    module.bus_opened = hookimpl(bus_opened)
    listeners = listeners_of(module)
    listeners.observer("bus_opened")(bus="e")
    assert heard == ["e"]
    assert listeners.implemented() == ["bus_opened"]


def bad_plugin(function):
    return types.SimpleNamespace(**{function.__name__: function})


def mistyped():
    @hookimpl
    def task_startet(task): ...

    return bad_plugin(task_startet)


def wrong_argument():
    @hookimpl
    def task_started(tusk): ...

    return bad_plugin(task_started)


def awaited():
    class Awaited:
        """Is written for an event loop."""

        @hookimpl
        async def task_started(self, task): ...

    return Awaited()


def wrapping():
    @hookimpl(wrapper=True)
    def task_started(task):
        return (yield)

    return bad_plugin(task_started)


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        (mistyped(), "there is no hook 'task_startet': did you mean 'task_started'?"),
        (wrong_argument(), "tusk"),
        (wrapping(), "'task_started' is an observer and cannot be wrapped"),
        (object(), "it implements no hook (mark its functions with @hookimpl)"),
        (Listener, "it names the class Listener, not an object"),
        (awaited(), "'task_started' is an async def, which nobody awaits (write def)"),
    ],
)
def test_a_bad_hook_plugin_is_refused_and_leaves_nothing_behind(plugin, text):
    """One line says what is wrong with it."""
    listeners = Listeners()
    with pytest.raises(PluginContractError) as caught:
        listeners.add(
            Found(kind="hooks", name="h", value="m:o", distribution="d"), plugin
        )
    assert text in str(caught.value)
    assert str(caught.value).startswith("hooks 'h' of d (m:o): ")
    assert "\n" not in str(caught.value)
    assert listeners.implemented() == []


GOOD = """
from task_core.api import hookimpl
heard = []

@hookimpl
def task_started(task):
    heard.append(task)
"""


def test_a_broken_hook_plugin_is_left_out_with_one_warning(site, caplog):
    """The others are loaded."""
    sources = {"a": "1 / 0", "b": GOOD, "c": "x = 1"}
    for name, source in sources.items():
        site.install(f"task-hooks-{name}", "hooks", source, plugin=name)
        mod = site.folder / f"task_hooks_{name}-1.0.dist-info" / "entry_points.txt"
        mod.write_text(mod.read_text().replace(":plugin", ""))
    with caplog.at_level(logging.WARNING):
        listeners = Listeners.load(Catalog.scan(path=site.path).found)
    first, second = caplog.messages
    assert "left out: hooks 'a' of task-hooks-a 1.0" in first
    assert "ZeroDivisionError" in first
    assert "left out: hooks 'c' of task-hooks-c 1.0" in second
    listeners.observer("task_started")(task=7)
    assert __import__("task_hooks_b_mod").heard == [7]


@attrs.frozen(kw_only=True)
class Loudness:
    """Options of hooks."""

    level: int = option(1, help="How loud.")


def manifest(make=lambda options: Listener(), **fields):
    return HooksPlugin(name="h", summary="Hear.", options=Loudness, make=make, **fields)


@pytest.fixture
def add():
    """Add what an entry point names, as a plugin that is installed."""

    def add(plugin, **more):
        listeners = Listeners(**more)
        installed = Found(kind="hooks", name="h", distribution="d", value="h:h")
        listeners.add(msgspec.structs.replace(installed, manifest=plugin), plugin)
        return listeners

    return add


def test_a_manifest_makes_the_hooks_from_their_options(add):
    """Which somebody else resolves."""
    made = []

    def make(options):
        made.append(options.level)
        return Listener()

    assert add(manifest(make)).implemented() == ["task_started"]
    add(manifest(make), configure=lambda plugin: plugin.options(level=3))
    assert made == [1, 3]


def test_hooks_that_cannot_be_made_are_a_broken_plugin(add):
    """Left out or refused, as others."""
    with pytest.raises(PluginError, match="making it failed: KeyError: 'x'"):
        add(manifest(make=lambda options: {}["x"]))


def test_hooks_whose_maker_gives_nothing_are_a_broken_plugin(add, caplog):
    """Left out or refused, as others."""
    text = r"hooks 'h' of d \(h:h\): making it gives None, not an object with hooks"
    with pytest.raises(PluginContractError, match=text):
        add(manifest(make=lambda options: None))
    found = Found(kind="hooks", name="h", manifest=manifest(make=lambda _: None))
    Listeners.load([found])
    assert "left out: hooks 'h' of this program: making it gives None" in caplog.text


def test_what_the_maker_says_is_wrong_stays_as_it_is(add):
    """It knows best."""

    def make(options):
        raise UsageError("too loud")

    with pytest.raises(UsageError, match="too loud"):
        add(manifest(make))
