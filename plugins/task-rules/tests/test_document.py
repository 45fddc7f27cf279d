"""Rules of `document`, `lines` and `table`: what a file says, and where."""

from enum import StrEnum

import pytest
from task_rules.document import Document
from task_rules.lines import find_lines
from task_rules.table import filled, flag, one_of, scalars, texts, whole

TRICKY = '''\
# [[phase]]
zone = """
[[phase]]
task = 1
"""
list = [
  "a", # ]
  "b]",
]
'quoted key'.b = { c = 1 }

[[ phase ]]   # a comment
task = "a"
  [phase.meta]
  x = 1
[["phase"]]
task = \'\'\'
fake = 1\'\'\'
template = "x = {yyyy}"
[defaults]
retry = 2
'''


def test_lines_are_those_of_the_text():
    """Comments, texts of several lines, lists and quoted names mislead nobody."""
    lines = find_lines(TRICKY)
    assert lines == {
        ("zone",): 2,
        ("list",): 6,
        ("quoted key",): 10,
        ("quoted key", "b"): 10,
        ("phase",): 12,
        ("phase", 0): 12,
        ("phase", 0, "task"): 13,
        ("phase", 0, "meta"): 14,
        ("phase", 0, "meta", "x"): 15,
        ("phase", 1): 16,
        ("phase", 1, "task"): 17,
        ("phase", 1, "template"): 19,
        ("defaults",): 20,
        ("defaults", "retry"): 21,
    }


def test_a_problem_has_the_line_of_its_key():
    """In the order of the file, whatever the order of reading."""
    file = Document("w.toml", TRICKY)
    first, second = file.tables("phase")
    second.take("template", flag, default=False)
    first.take("task", whole, 0)
    second.require("cron")
    assert file.told() == [
        "w.toml, line 13 (phase 1): task must be a whole number from 0 on, not 'a'",
        "w.toml, line 16 (phase 2): cron is required",
        "w.toml, line 19 (phase 2): template must be true or false, not 'x = {yyyy}'",
    ]


def test_unknown_keys_are_told_with_the_nearest_name():
    """Whatever their case."""
    file = Document(
        "w.toml", "[[phase]]\ntask = 'a'\ndepends_on = 'b'\nDEPENDSON = 1\n"
    )
    (table,) = file.tables("phase")
    for key in ("task", "dependsOn"):
        table.take(key, filled, "")
    table.finish()
    assert file.told() == [
        "w.toml, line 3 (phase 1): unknown key 'depends_on': did you mean 'dependsOn'?",
        "w.toml, line 4 (phase 1): unknown key 'DEPENDSON': did you mean 'dependsOn'?",
    ]


DIGITS = "Exceeds the limit (4300 digits) for integer string conversion"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = \n", "w.toml, line 1: this is no TOML: Invalid value"),
        ("[x]\n[x]\n", "w.toml, line 2: this is no TOML: Cannot declare ('x',) twice"),
        ("a = " + "[" * 20_000, "w.toml: it is nested too deeply"),
        (
            "a = " + "1" * 5000,
            f"w.toml: this is no TOML: {DIGITS}: value has 5000 digits",
        ),
    ],
)
def test_what_is_no_toml_is_one_problem(text, told):
    """With its line, where the parser tells it."""
    assert Document("w.toml", text).told() == [told]


@pytest.mark.parametrize("text", ["phase = 1", "[phase]\na = 1", "phase = [1]"])
def test_what_must_be_tables_is_told(text):
    """It says how to write them."""
    file = Document("w.toml", text)
    assert file.tables("phase") == []
    assert "write [[phase]] above each" in file.told()[0]


def test_a_table_of_its_own_is_read_by_its_name():
    """One that is there, one that is not, one that is no table."""
    file = Document("w.toml", "zone = 1\n[defaults]\nretry = -1\n")
    assert file.table("other") is None
    assert file.table("zone") is None
    file.table("defaults").take("retry", whole, 0)
    assert [told.partition(": ")[2] for told in file.told()] == [
        "zone must be a table: write [zone]",
        "retry must be a whole number from 0 on, not -1",
    ]


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (texts, "a", ("a",)),
        (texts, ["a", " b "], ("a", "b")),
        (flag, True, True),
        (whole, 3, 3),
        (one_of(Colour), "red", Colour.RED),
        (
            scalars,
            {"a": 1, "b": True, "c": "x", "d": 1.5},
            {"a": "1", "b": "true", "c": "x", "d": "1.5"},
        ),
    ],
)
def test_values_are_read_as_they_are_meant(read, value, result):
    """One text stands for a list of it; single values become texts."""
    assert read(value) == result


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (texts, 1),
        (texts, [1]),
        (flag, 1),
        (whole, True),
        (whole, "1"),
        (one_of(Colour), "blue"),
        (one_of(Colour), []),
        (scalars, {"a": [1]}),
        (filled, " "),
    ],
)
def test_wrong_values_are_refused(read, value):
    """Never turned into something else."""
    with pytest.raises(ValueError, match="must|takes|is one of"):
        read(value)
