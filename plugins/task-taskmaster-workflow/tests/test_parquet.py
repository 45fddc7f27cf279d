"""Files of meta that are Parquet, written by DuckDB."""

import re
import subprocess
import sys

import duckdb
import pytest
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.rows import read_rows

KINDS = {
    "shop": ("'Zürich'", "Zürich"),
    "n": ("7", "7"),
    "whole": ("2.0::DOUBLE", "2"),
    "part": ("2.5::DOUBLE", "2.5"),
    "nan": ("'nan'::DOUBLE", "nan"),
    "price": ("2.50::DECIMAL(10, 2)", "2.50"),
    "id": ("12345678901234567890::DECIMAL(20, 0)", "12345678901234567890"),
    "day": ("DATE '2026-01-04'", "2026-01-04"),
    "at": ("TIMESTAMP '2026-01-04 05:30:00'", "2026-01-04T05:30:00"),
    "moment": ("'2026-01-04 05:30:00+02'::TIMESTAMPTZ", "2026-01-04T03:30:00Z"),
    "never": ("NULL::TIMESTAMPTZ", ""),
    "yes": ("true", "true"),
    "nothing": ("NULL::VARCHAR", ""),
    "bytes": ("'x'::BLOB", "x"),
    "list": ("[1, 2]", "[1, 2]"),
    "within": ("{'day': DATE '2026-01-04'}", '{"day": "2026-01-04"}'),
    'a "b"=c': ("'d'", "d"),
}
"""What SQL writes, and the text that becomes of it."""
FLOW = """[[phase]]
task = "export"
cron = "@daily"
batch = { meta_file = "shops.parquet" }
template = "?shop={meta:shop}"
"""


@pytest.fixture
def write(tmp_path):
    """Return what writes the rows of a query to a file, and returns its path."""

    def _write(query, name="shops.parquet"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with duckdb.connect(":memory:") as writer:
            writer.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path

    return _write


@pytest.fixture
def all_kinds(write):
    """Return a file of one row with values of all kinds."""
    quoted = {name.replace('"', '""'): sql for name, (sql, _) in KINDS.items()}
    return write(
        "SELECT " + ", ".join(f'{sql} AS "{it}"' for it, sql in quoted.items())
    )


def test_values_become_text_as_in_json_lines(all_kinds):
    """Whole numbers without a point, dates as ISO 8601 has them, null as nothing."""
    (row,) = read_rows(all_kinds, 10)
    assert row == {name: text for name, (_, text) in KINDS.items()}


def test_rows_keep_their_order(write):
    """The first task is that of the first row."""
    path = write("SELECT 5 - i AS n FROM range(5) t(i)")
    assert [row["n"] for row in read_rows(path, 5)] == ["5", "4", "3", "2", "1"]


def test_no_rows_are_no_tasks(write):
    """As with an empty file of JSON lines."""
    assert read_rows(write("SELECT 1 AS n WHERE false"), 5) == []


def test_max_tasks_is_kept_without_all_rows(write):
    """What is beyond is refused, and not read: here it could not be converted."""
    path = write("SELECT i AS n FROM range(1000000) t(i)")
    content = path.read_bytes()
    half, third = len(content) // 2, len(content) // 3
    path.write_bytes(content[:half] + b"\xff" * third + content[half + third :])
    with pytest.raises(ValueError, match=r"shops.parquet has more than 100 rows$"):
        read_rows(path, 100)
    with pytest.raises(ValueError, match=r"^cannot read .*shops.parquet as Parquet: "):
        read_rows(path, 1_000_000)


def test_the_path_is_a_name_and_no_pattern(write):
    """Nor does a folder like `day=1` add a column, as in DuckDB's own reading."""
    write("SELECT 1 AS n", "day=1/a1.parquet")
    path = write("SELECT 2 AS n", "day=1/a[1].parquet")
    assert read_rows(path, 5) == [{"n": "2"}]


@pytest.mark.parametrize("content", [b"", b"shop,n\nde,1\n", b"PAR1 no footer PAR1"])
def test_what_is_no_parquet_is_one_line(tmp_path, content):
    """It names the file, and nothing of the statement that failed."""
    path = tmp_path / "shops.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^cannot read {path} as Parquet: .+$"):
        read_rows(path, 5)


def test_a_file_that_is_not_there_is_told_as_for_the_others(tmp_path):
    """In the words of the system."""
    with pytest.raises(ValueError, match="none.parquet: No such file or directory$"):
        read_rows(tmp_path / "none.parquet", 5)


def test_without_duckdb_a_line_says_what_to_install(all_kinds, monkeypatch):
    """It is an extra, since most have no such files."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    advice = r"is Parquet, which takes DuckDB: pip install '.*\[parquet\]'$"
    with pytest.raises(ValueError, match=f"shops.parquet {advice}"):
        read_rows(all_kinds, 5)
    _, file = read_workflow("shop.toml", FLOW)
    (note,) = file.problems
    assert re.search(f"^meta_file shops.parquet {advice}", note.text)
    assert (note.line, note.serious) == (1, False), "another machine may have it"


def test_with_duckdb_check_says_nothing():
    """The file itself may come later."""
    _, file = read_workflow("shop.toml", FLOW)
    assert file.problems == []


def test_parquet_under_another_name_is_told(all_kinds):
    """The ending says what a file is."""
    other = all_kinds.rename(all_kinds.with_suffix(".json"))
    with pytest.raises(ValueError, match=r"not UTF-8: a file of meta is JSON lines, "):
        read_rows(other, 5)


def test_duckdb_is_loaded_for_such_files_alone(tmp_path):
    """A start with others does not pay for it."""
    (tmp_path / "a.csv").write_text("n\n1\n")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from task_taskmaster_workflow.rows import read_rows\n"
        "assert read_rows(Path(sys.argv[1]), 5) == [{'n': '1'}]\n"
        "assert 'duckdb' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.csv"], check=True)


def test_a_backload_takes_it(write, tmp_path):
    """Each row a task, as the command plans them."""
    path = write("SELECT * FROM (VALUES ('de', 1), ('fr', 2)) t(shop, n)")
    words = ["backload", "export", "--template", "?shop={meta:shop}&n={meta:n}"]
    more = ["--at", "2026-01-05", "--meta-file", str(path)]
    command = [sys.executable, "-m", "task_core", *words, *more]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "?shop=de&n=1" in done.stdout
    assert "?shop=fr&n=2" in done.stdout
