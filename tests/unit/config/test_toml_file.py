"""Rules of `task_core.config.toml_file`."""

import os

import attrs
import pytest

from task_core.config.sources import Section
from task_core.config.toml_file import TomlFile
from task_core.config.toml_lines import line_of
from task_core.errors import OptionError
from task_core.options import option


@attrs.frozen(kw_only=True)
class Options:
    nsqd: tuple[str, ...] = option((), help="Hosts.")
    max_in_flight: int = option(1, help="How many.")


SECTION = Section(options=Options, table=("bus", "nsq"), flag="bus-")
TEXT = """\
[launch]
nsqd = "not this one"

[bus.nsq]  # the broker
nsqd = ["a:1", "b:2"]
max-in-flight = 3

[bus.other]
x = 1
"""


def problem(text):
    """Return what is wrong with a text."""
    with pytest.raises(OptionError) as raised:
        TomlFile("t.toml", text).layer(SECTION)
    [line] = raised.value.problems
    return line


def test_a_table_gives_its_values_with_file_and_line():
    """Typed as TOML has them; `-` in a key is as good as `_`."""
    layer = TomlFile("t.toml", TEXT).layer(SECTION)
    assert {name: raw.value for name, raw in layer.values.items()} == {
        "nsqd": ["a:1", "b:2"],
        "max_in_flight": 3,
    }
    assert layer.values["nsqd"].origin == "t.toml, line 5"
    assert layer.values["max_in_flight"].origin == "t.toml, line 6"
    assert layer.unknown == {}


def test_a_table_that_is_not_there_says_nothing():
    """One file serves many programs."""
    assert TomlFile("t.toml", "[launch]\nx = 1\n").layer(SECTION).values == {}


def test_an_unknown_key_is_reported_with_its_line():
    """A typing error must not be overlooked."""
    layer = TomlFile("t.toml", "[bus.nsq]\n\nnsdq = ''\n").layer(SECTION)
    assert layer.unknown == {"nsdq": "t.toml, line 3"}


def test_a_table_that_nobody_reads_is_a_mistake():
    """With its line; a plugin that is not installed here may read one."""
    text = "[lanch]\nx = 1\n[bus.nsqd]\ny = 2\n[bus.other]\n[up.x]\n[zzz]\n"
    known = {"launch": (), "bus": ["nsq", "file"], "worker": ()}
    assert TomlFile("t.toml", text).strays(known, lambda: ["up"]) == [
        "t.toml, line 1: nothing reads [lanch]: did you mean 'launch'?",
        "t.toml, line 7: nothing reads [zzz]; there is bus, launch, up, worker",
        "t.toml, line 3: nothing reads [bus.nsqd]: did you mean 'nsq'?",
    ]


def test_a_key_without_a_table_is_told_where_it_could_stand():
    """Whoever forgot the header would not know which names are tables."""
    text = "worker = 'x'\ntopic = 'y'\n[launch]\n[bus.nsq]\n"
    known = {"launch": (), "send": (), "bus": ["nsq", "file"], "worker": ()}
    hint = "outside of a table: put it below its own, one of [launch], [send]"
    assert TomlFile("t.toml", text).strays(known, list, ("bus", "worker")) == [
        f"t.toml, line 1: nothing reads 'worker' {hint}",
        f"t.toml, line 2: nothing reads 'topic' {hint}",
    ]


@pytest.mark.parametrize("kind", ["bus", "worker", "taskmaster", "hooks"])
def test_a_key_in_the_table_of_a_kind_is_told(kind):
    """Many write it there first; the plugin would run with its defaults."""
    text = f"[{kind}]\nname = 'x'\n[{kind}.nop]\nrate = 3\n"
    outer = ("bus", "worker", "taskmaster", "hooks")
    known = dict.fromkeys(outer, ())
    way = f"put it under [{kind}.NAME]; to choose, set {kind} under [launch]"
    told = f"t.toml, line 2: nothing reads 'name' in [{kind}]: {way}"
    assert TomlFile("t.toml", text).strays(known, list, outer) == [told]


MY_NSQ = Section(options=Options, table=("bus", "my-nsq"), flag="bus-")


@pytest.mark.parametrize("name", ["my-nsq", "my_nsq"])
def test_a_table_may_be_written_with_a_dash_or_an_underline(name):
    """As its keys may, and as its variables are."""
    file = TomlFile("t.toml", f"[bus.{name}]\nmax_in_flight = 3\nx = 1\n")
    layer = file.layer(MY_NSQ)
    assert layer.values["max_in_flight"].value == 3
    assert layer.values["max_in_flight"].origin == "t.toml, line 2"
    assert layer.unknown == {"x": "t.toml, line 3"}
    assert file.strays({"bus": ["my-nsq"]}, list, ["bus"]) == []


def test_what_is_written_both_ways_is_a_mistake():
    """Only one of them would count."""
    text = "[bus.nsq]\nmax-in-flight = 3\nmax_in_flight = 4\n"
    twice = "'max_in_flight' is 'max-in-flight' once more: leave out one"
    assert problem(text) == f"t.toml, line 3: {twice}"
    file = TomlFile("t.toml", "[bus.my-nsq]\n[bus.my_nsq]\n")
    told = "t.toml, line 2: 'my_nsq' is 'my-nsq' once more: leave out one"
    assert file.strays({"bus": ["my-nsq"]}, list, ["bus"]) == [told]


def test_tables_of_commands_are_looked_up_when_there_is_an_unknown_one():
    """It costs more than all the rest."""
    known = {"launch": ()}
    assert TomlFile("t.toml", "[launch]\n").strays(known, None) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"[a]\nx = {'9' * 5000}\n", "t.toml is no TOML: "),
        (f"x = {'[' * 2000}{']' * 2000}\n", "t.toml is no TOML: nested too deeply"),
    ],
    ids=["long", "deep"],
)
def test_a_value_that_python_cannot_read_is_a_mistake_in_the_file(text, complaint):
    """One line, no traceback."""
    assert problem(text).startswith(complaint)
    assert "\n" not in problem(text)


def test_a_byte_order_mark_is_overlooked(tmp_path):
    """Editors of one system put it there."""
    (tmp_path / "t.toml").write_bytes(b"\xef\xbb\xbf[bus.nsq]\nnsqd = ['a']\n")
    file = TomlFile.read(str(tmp_path / "t.toml"))
    assert file.layer(SECTION).values["nsqd"].value == ["a"]


def test_what_is_no_toml_is_reported_with_line_and_column():
    """So that an editor can jump there."""
    text = problem("[bus.nsq]\nnsqd = [\n")
    assert text.startswith("t.toml is no TOML: ")
    assert "\n" not in text
    assert "line 2, column 2" in problem("[a]\n = 3\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "bus = 'x'\n",
            "line 1: bus must be a table: put this line below [task], as bus = 'x'",
        ),
        ("[bus]\nnsq = [1]\n", "line 2: bus.nsq must be a table"),
    ],
)
def test_what_should_be_a_table_must_be_one(text, told):
    """Else its options would be missing silently."""
    assert problem(text) == f"t.toml, {told}"


def test_a_file_that_is_missing_is_one_line(tmp_path):
    """With the reason of the system."""
    file = tmp_path / "no.toml"
    with pytest.raises(OptionError, match="No such file") as raised:
        TomlFile.read(str(file))
    assert raised.value.problems[0].startswith(f"cannot read {file}: ")


def test_a_directory_is_no_file(tmp_path):
    """`-C .` is a mistake, not a bug."""
    with pytest.raises(OptionError, match="Is a directory"):
        TomlFile.read(os.fspath(tmp_path))


def test_a_file_that_is_not_utf_8_is_one_line(tmp_path):
    """TOML is UTF-8."""
    (tmp_path / "t.toml").write_bytes(b"x = '\xff'\n")
    with pytest.raises(OptionError, match="it is not UTF-8"):
        TomlFile.read(str(tmp_path / "t.toml"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[bus.nsq]\nnsqd = 1", 2),
        ("[ bus . nsq ]\n  nsqd=1", 2),
        ("[bus.'nsq']\n\"nsqd\" = 1", 2),
        ("[x]\nnsqd = 1\n[bus.nsq]\n# nsqd = 2\nnsqd = 1", 5),
        ("bus.nsq.nsqd = 1", 0),
        ("bus = {nsq = {nsqd = 1}}", 0),
        ("[bus.nsq]\nnsqdx = 1", 0),
    ],
)
def test_the_line_of_a_key_is_found_where_it_is_written_as_usual(text, line):
    """In other spellings the file alone is named."""
    assert line_of(text, ("bus", "nsq"), "nsqd") == line
