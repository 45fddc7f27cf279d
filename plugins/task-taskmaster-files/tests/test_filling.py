"""Templates filled in: a file's name stays one, whatever it has in it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from task_rules.info_dates import path_time
from task_taskmaster_files.file import File
from task_taskmaster_files.filling import fill, values_of

from task_core.api import param, parse_info

FILE = File(
    path="s3://b/in/a.csv",
    version="v1",
    size=7,
    checksum="abc",
    created=datetime(2026, 1, 31, 5, tzinfo=UTC),
    lines=3,
    bytes=9,
    moment=datetime(2026, 1, 31, tzinfo=UTC),
)


def filled(template, file=FILE, meta=()):
    return fill(template, values_of(file), file.moment, dict(meta))


def test_tokens_of_a_file_are_filled_in():
    """In any case, as all tokens are."""
    assert filled("{file}|{filename}|{DIR}|{size}|{checksum}") == (
        "s3://b/in/a.csv|a.csv|s3://b/in|7|abc"
    )


def test_tokens_of_gos_taskmasters_are_filled_in():
    """Both spellings of the statistics, too."""
    stats = "bytecnt=9&checksum=abc&created=2026-01-31T05:00:00Z&linecnt=3&size=7"
    assert filled("{SRC_PATH}?{STATS}") == f"s3://b/in/a.csv?{stats}"
    assert filled("{WATCH_FILE}?{SRC_STATS}") == f"s3://b/in/a.csv?{stats}"
    assert filled("{LINECNT} {BYTECNT} {CREATED}") == "3 9 2026-01-31T05:00:00Z"


def test_dates_and_meta_are_filled_in():
    """The date of the path, and the values of the rule."""
    assert filled("{yyyy}-{mm}?x={meta:x}", meta={"x": "1"}) == "2026-01?x=1"


def test_what_nobody_knows_stays_empty():
    """And is left out of the statistics."""
    assert filled("{size}{checksum}?{stats}", File(path="/a", version="1")) == "?"


def test_names_with_tokens_in_them_are_not_filled_in():
    """A file may be called so."""
    file = attrs.evolve(FILE, path="/in/{yyyy}-{size}.csv")
    assert filled("{file}", file) == "/in/{yyyy}-{size}.csv"


@attrs.frozen
class Params:
    path: str
    source: str = ""
    last: str = param("", name="last")


names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1
)


@given(names)
def test_a_worker_reads_the_very_path_of_the_file(name):
    """Of the path of its info, and of a parameter."""
    file = File(path=f"/in/{name}", version="1")
    read = parse_info(Params, filled("{file}?source={file}&last=x", file))
    assert read == Params(f"/in/{name}", f"/in/{name}", "x")


def test_a_host_is_filled_in_without_a_date():
    """A file need not have one for what no date fills."""
    file = attrs.evolve(FILE, moment=None)
    assert "{" not in filled("{file}?h={host}&p={pod}&u={uuid}", file)


def test_the_manual_says_which_dates_of_paths_count():
    """Each example of its table is what it says."""
    manual = Path(__file__).parents[3] / "docs/files.md"
    table = manual.read_text().partition("| in the path | is |")[2].partition("\n\n")[0]
    told = [row.split("|")[1:3] for row in table.splitlines()[2:]]
    assert len(told) == 6
    for paths, meaning in told:
        for path in re.findall(r"`(.+?)`", paths):
            moment = path_time(path)
            text = f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "no date"
            assert meaning.strip().startswith(text), path
