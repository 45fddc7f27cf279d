"""`task files`, as people type it."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

RULES = """
[[rule]]
files = "{base}/{{yyyy}}/*.csv"
type = "load"
template = "{{file}}?size={{size}}"
lookback = "9000d"

[[rule]]
files = "s3://b/**/*.gz"
type = "report"
source = "events"
"""


@pytest.fixture
def task(tmp_path):
    """Run a command; return its exit code, stdout and stderr."""

    def task(*words):
        command = [sys.executable, "-m", "task_core", "files", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    (tmp_path / "rules.toml").write_text(RULES.format(base=tmp_path))
    (tmp_path / "2020").mkdir()
    for name in ("a", "b"):
        (tmp_path / "2020" / f"{name}.csv").write_text("x")
    return task


def test_check_tells_where_rules_look(task):
    """And how their files are finished."""
    code, told, _ = task("check", "rules.toml")
    assert code == 0
    assert told.startswith("rules.toml: 2 rules\n")
    assert "each 60s, finished after 10s without change -> load" in told
    assert "s3://b/**/*.gz, told by events -> report" in told
    assert "more\n" in told


def test_check_tells_each_mistake_and_ends_with_2(task, tmp_path):
    """Of all files, with their lines."""
    (tmp_path / "bad.toml").write_text('[[rule]]\nfiles = "/in/"\nkind = "x"\n')
    code, told, problems = task("check", "rules.toml", "bad.toml", "none.toml")
    assert code == 2
    assert "rules.toml: 2 rules" in told
    assert "bad.toml, line 2 (rule 1): files ends in a folder" in problems
    assert "bad.toml, line 3 (rule 1): unknown key 'kind'" in problems
    assert "cannot read rules none.toml: No such file or directory" in problems
    assert "Traceback" not in problems


def test_list_shows_the_files_with_their_infos(task, tmp_path):
    """And writes nothing down."""
    code, told, _ = task("list", "rules.toml", "--max", "1")
    assert code == 0
    assert f"{tmp_path}/{{yyyy}}/*.csv): 2 files" in told
    assert ".csv?size=1\n" in told
    assert "and 1 more: see --max" in told
    lines = task("list", "rules.toml")[1].splitlines()
    files = [line for line in lines if line.startswith("  ")]
    assert files == sorted(files), "in the order of their names"
    assert "events tell its files" in told
    assert not list(tmp_path.glob("*.db"))


def test_list_tells_of_alerts_as_the_taskmaster_makes_them(place, task):
    """A file without the date that is asked for: no info that is never sent."""
    of_each = 'template = "{file}?d={yyyy}-{mm}&h={host}"'
    of_group = 'template = "{dir}?d={dd}"'
    for more, told in (
        (of_each, "the template asks for"),
        (f'{of_group}\ngroup = {{ by = "dir", count = 1 }}', "the template asks for"),
        ('group = { by = "{yyyy}", count = 1 }', "the group asks for"),
    ):
        place.rule("**/*.csv", more=more)
        path = place.write("20260105.csv")
        code, listed, _ = task("list", str(place.rules))
        assert code == 0
        assert f"  {path}  alert: no date in its path, which {told}" in listed
        assert "{" not in listed.partition("\n")[2]
        ((sent, _),) = place.run(30)
        assert (sent.result, sent.info) == ("alert", path)
        assert f"no date in its path, which {told}" in sent.msg
        place.store.unlink()


def test_what_is_listed_shows_no_secret_and_steers_no_terminal(task, tmp_path):
    """Passwords stand in URLs of storages, and anybody may name a file."""
    (tmp_path / "2020" / "c\x1b[2J.csv").write_text("x")
    url = "ftp://me:SECRET9@127.0.0.1:1/in/*.csv"
    (tmp_path / "ftp.toml").write_text(f'[[rule]]\nfiles = "{url}"\ntype = "load"\n')
    code, told, _ = task("check", "ftp.toml")
    assert (code, "ftp://me:********@127.0.0.1:1" in told) == (0, True)
    assert "SECRET9" not in told
    code, _, problem = task("list", "ftp.toml")
    assert (code, problem.count("\n")) == (2, 1)
    assert problem.startswith("task: ftp:// cannot be reached: ")
    _, told, _ = task("list", "rules.toml")
    assert "c\\x1b[2J.csv  " in told


def test_a_folder_that_is_not_there_is_told(task, tmp_path):
    """No files may be right, or a slip of the pen: `list` says which."""
    rules = f'[[rule]]\nfiles = "{tmp_path}/inn/*.csv"\ntype = "load"\n'
    (tmp_path / "inn.toml").write_text(rules)
    code, told, problem = task("list", "inn.toml")
    assert (code, "0 files" in told) == (0, True)
    assert problem.strip() == f"there is no {tmp_path}/inn, as yet"


def test_a_storage_that_nobody_knows_is_a_mistake_of_the_rules(task, tmp_path):
    """`check` tells it, before a start does, and what was meant."""
    rules = '[[rule]]\nfiles = "{}://b/*.csv"\ntype = "load"\n'
    (tmp_path / "s3.toml").write_text(rules.format("s33") + rules.format("nosuch"))
    code, _, problems = task("check", "s3.toml")
    assert (code, problems.count("fsspec knows no such storage: ")) == (2, 2)
    assert "s33:// cannot be listed" in problems
    assert "did you mean 's3'?" in problems
    assert "it knows s3, gs, az, sftp, http and others" in problems


def test_a_storage_whose_package_is_missing_is_told_by_check(task, tmp_path):
    """As the list and the start tell it: what to install."""
    (tmp_path / "s3fs.py").write_text('raise ImportError("no s3fs")\n')
    (tmp_path / "s3.toml").write_text('[[rule]]\nfiles = "s3://b/*"\ntype = "load"\n')
    for word in ("check", "list"):
        code, _, problem = task(word, "s3.toml")
        assert (code, problem.count("\n")) == (2, 1)
        assert "s3:// cannot be listed: Install s3fs to access S3" in problem
        assert "pip install 'task-taskmaster-files[s3]'" in problem


def test_a_pattern_that_names_a_folder_is_told(task, tmp_path):
    """It never has a file; with date tokens it may have one tomorrow."""
    year = f"{datetime.now(UTC):%Y}"
    (tmp_path / "in" / year).mkdir(parents=True)
    rule = '[[rule]]\nfiles = "{}"\ntype = "load"\n'
    (tmp_path / "in.toml").write_text(rule.format("in"))
    for word in ("check", "list"):
        code, _, problem = task(word, "in.toml")
        assert (code, problem.count("\n")) == (2, 1)
        told = f"in.toml, line 2 (rule 1): files names a folder, {tmp_path}/in:"
        assert f"{told} write {tmp_path}/in/* for the files in it" in problem
    (tmp_path / "in.toml").write_text(rule.format("in/{yyyy}"))
    code, _, problem = task("check", "in.toml")
    assert (code, f"files names a folder, {tmp_path}/in/20" in problem) == (0, True)
    (tmp_path / "in.toml").write_text(rule.format("in/*"))
    assert task("check", "in.toml")[::2] == (0, "")


def test_check_tells_of_a_storage_that_no_rule_uses(task, tmp_path):
    """With its line, and what may have been meant; lists of groups may be there."""
    more = '\n[storage.memry]\nkey = "x"\n\n[storage.gs]\ntoken = "x"\n'
    rule = '[[rule]]\nfiles = "memory://b/*"\ntype = "load"\n'
    (tmp_path / "s.toml").write_text(rule + more)
    code, _, told = task("check", "s.toml")
    assert code == 0
    assert (
        "s.toml, line 5: [storage.memry] is used by no rule: did you mean 'memory'?"
        in told
    )
    assert "line 8: [storage.gs] is used by no rule: only --taskmaster-man" in told
