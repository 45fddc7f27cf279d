"""Whatever the source, a value that was written is the value that is read."""

import json
from datetime import timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import quote

import attrs
from hypothesis import given
from hypothesis import strategies as st

from task_core.config.resolve import Resolver
from task_core.config.sources import (
    NoFile,
    Section,
    environment_layer,
    flag_layer,
)
from task_core.config.toml_file import TomlFile
from task_core.config.urls import url_layer
from task_core.options import option
from task_core.values import LONGEST_WAIT, write


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


@attrs.frozen(kw_only=True)
class Options:
    text: str = option("default", help="x")
    texts: tuple[str, ...] = option(("default",), help="x")
    numbers: tuple[int, ...] = option((1, 2), help="x")
    count: int = option(1, help="x")
    rate: float = option(1.0, help="x")
    wait: timedelta = option(timedelta(1), help="x")
    colour: Colour = option(Colour.RED, help="x")
    file: Path = option(Path("default"), help="x")
    tls: bool = option(False, help="x")


SECTION = Section(options=Options, table=("bus", "x"), flag="bus-")

# No shell and no environment can carry a NUL, and no encoding half a character.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
FULL = TEXT.filter(bool)
# Of a list that is written with commas, spaces around its items do not count.
PIECE = FULL.filter(lambda text: "," not in text and text == text.strip())
OPTIONS = st.builds(
    Options,
    text=FULL,
    texts=st.lists(PIECE, min_size=1, max_size=3).map(tuple),
    numbers=st.lists(st.integers(), min_size=1, max_size=3).map(tuple),
    count=st.integers(),
    rate=st.floats(allow_nan=False),
    wait=st.timedeltas(min_value=timedelta(0), max_value=LONGEST_WAIT),
    colour=st.sampled_from(Colour),
    file=FULL.map(Path),
    tls=st.booleans(),
)


def written(options):
    """Return each option as a list of texts."""
    values = attrs.asdict(options, recurse=False).items()
    return {
        name: [write(item) for item in (value if isinstance(value, tuple) else [value])]
        for name, value in values
    }


def read(layer):
    """Return the options object that one source gives."""
    resolver = Resolver()
    options = resolver.resolve(SECTION, [layer, NoFile().layer(SECTION)])
    assert resolver.problems == []
    return options


@given(OPTIONS)
def test_flags_carry_every_value(options):
    """Given several times for several."""
    assert read(flag_layer(SECTION, written(options))) == options


@given(OPTIONS)
def test_the_environment_carries_every_value(options):
    """Commas part several."""
    variables = {
        f"TASK_BUS_X_{name.upper()}": ",".join(texts)
        for name, texts in written(options).items()
    }
    assert read(environment_layer(SECTION, variables)) == options


@given(OPTIONS)
def test_the_query_of_a_url_carries_every_value(options):
    """Percent-encoded."""
    query = "&".join(
        f"{name}={quote(text, safe='')}"
        for name, texts in written(options).items()
        for text in texts
    )
    assert read(url_layer(SECTION, f"x://?{query}")) == options


@given(OPTIONS, st.lists(TEXT, max_size=3).map(tuple))
def test_toml_carries_every_value(options, texts):
    """In its own types, empty texts and commas too."""
    options = attrs.evolve(options, texts=texts)
    plain = {
        "text": options.text,
        "texts": list(options.texts),
        "numbers": list(options.numbers),
        "count": options.count,
        "wait": write(options.wait),
        "colour": options.colour.value,
        "file": str(options.file),
        "tls": options.tls,
    }
    lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in plain.items()]
    lines.append(f"rate = {options.rate!r}")
    text = "\n".join(["[bus.x]", *lines]).replace("\x7f", "\\u007F")
    assert read(TomlFile("t.toml", text).layer(SECTION)) == options
