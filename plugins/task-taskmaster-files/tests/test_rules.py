"""The rules file: what it may say, and what is told of its mistakes."""

from datetime import timedelta

import pytest
from task_taskmaster_files.grouping import Late, Short
from task_taskmaster_files.rule import Existing, Source
from task_taskmaster_files.rules import read_rules

from task_core.api import OptionError

NUL = '[[rule]]\nfiles = "{}"\ntype = "load"\n'
SMALLEST = '[[rule]]\nfiles = "/in/*.csv"\ntype = "load"\n'


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "rules.toml"
        path.write_text(text)
        return list(read_rules(path).rules)

    return read


@pytest.fixture
def problems(read):
    def problems(text):
        with pytest.raises(OptionError) as caught:
            read(text)
        return str(caught.value).splitlines()

    return problems


def test_files_and_type_are_enough(read):
    """All else has a default."""
    (rule,) = read(SMALLEST)
    assert (rule.topic, rule.template, rule.source) == ("load", "{file}", Source.LIST)
    assert (rule.quiet, rule.every, rule.existing) == (10, 60, Existing.SKIP)
    assert rule.grouping is None


@pytest.mark.parametrize(
    ("files", "more", "quiet"),
    [
        ("/in/*", "", 10),
        ("sftp://host/in/*", "", 10),
        ("s3://b/*", "", 0),
        ("gs://b/*", "", 0),
        ("/in/*", 'marker = "{file}.done"', 0),
        ("/in/*", 'quiet = "1m"', 60),
    ],
)
def test_files_are_quiet_only_where_they_can_be_seen_half_written(
    read, files, more, quiet
):
    """A put is atomic, and a marker says it all."""
    (rule,) = read(f'[[rule]]\nfiles = "{files}"\ntype = "t"\n{more}\n')
    assert rule.quiet == quiet


def test_a_group_has_a_table_of_its_own(read):
    """Inline, or with a header."""
    (rule,) = read(
        f"{SMALLEST}[rule.group]\n"
        'by = "dir"\ncount = 24\nquiet = "5m"\nat = "0 6 * * *"\nmax_wait = "1d"\n'
        'min_count = 20\nlate = "alert"\nshort = "alert"\n'
    )
    group = rule.grouping
    assert (group.by, group.count, group.quiet, group.max_wait) == (
        "{dir}",
        24,
        300,
        86400,
    )
    assert (group.min_count, group.late, group.short) == (20, Late.ALERT, Short.ALERT)
    assert rule.template == "{manifest}"


@pytest.mark.parametrize("by", ["dir", "{dir}", "{DIR}"])
def test_a_folder_is_a_group_in_any_case(read, by):
    """As all tokens are."""
    (rule,) = read(f'{SMALLEST}group = {{ by = "{by}", count = 2 }}')
    assert rule.grouping.by == "{dir}"


def test_rules_of_gos_taskmaster_are_read_as_they_are(read):
    """They are about events, and their groups about folders."""
    one, many = read(
        '[[rule]]\ntype = "a"\nsrc_pattern = "s3://b/*/*.gz"\n'
        'info_template = "{SRC_PATH}?n={LINECNT}"\ncount_check = 0\ncron_check = ""\n'
        '[[rule]]\ntype = "b"\nsrc_pattern = "/in/*.txt"\ntopic = "x"\n'
        'count_check = 3\ncron_check = "0 0 * * * *"\n'
    )
    assert (one.source, one.template) == (Source.EVENTS, "{SRC_PATH}?n={LINECNT}")
    assert one.grouping is None
    assert (many.topic, many.grouping.by, many.grouping.count) == ("x", "{dir}", 3)
    assert many.grouping.at is not None
    assert many.template == "{dir}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[rule]]\n", "rules.toml, line 1 (rule 1): files is required"),
        ("[[rule]]\n", "rules.toml, line 1 (rule 1): type is required"),
        ("", "rules.toml: at least one rule is required: write [[rule]] and its keys"),
        ("x y\n", "rules.toml, line 1: this is no TOML: "),
        ("rulez = 1\n" + SMALLEST, "line 1: unknown key 'rulez': did you mean 'rule'?"),
        (SMALLEST + "quite = 1", "line 4 (rule 1): unknown key 'quite': did you mean"),
        (SMALLEST + 'quiet = "5 min"', "line 4 (rule 1): quiet is not a duration"),
        (SMALLEST + 'every = "0s"', "line 4 (rule 1): every must be a second at least"),
        (SMALLEST + 'existing = "all"', "existing is one of skip, send, not 'all'"),
        (SMALLEST + 'source = "event"', "source is one of list, events"),
        (NUL.format("in\\u0000/*.csv"), "line 2 (rule 1): files has a NUL character"),
        (NUL.format("in/\\u0000*.csv"), "files has a NUL character, which no name"),
        (NUL.format("~\\u0000/in/*"), "files has a NUL character, which no name"),
        (NUL.format("s3://in\\u0000/*"), "files has a NUL character, which no name"),
        (SMALLEST + 'marker = "x/y"', "marker names a file in the folder"),
        (SMALLEST + 'lookback = "1d"', "lookback is for date tokens, and files has"),
        (SMALLEST + 'timezone = "Europe/Belin"', "did you mean 'Europe/Berlin'?"),
        (SMALLEST + 'group = { quiet = "1m", late = "next" }', '"next" needs count'),
        (SMALLEST + 'template = "{fil}"', "asks for {fil}: did you mean 'file'?"),
        (SMALLEST + 'template = "{manifest}"', "which a single file lacks"),
        (SMALLEST + 'template = "{meta:a}"', "{meta:a}, which meta does not have"),
        (SMALLEST + "meta = { file = 1 }", "meta cannot set 'file'"),
        (SMALLEST + "group = 1", "group is a table"),
        (SMALLEST + 'group = { by = "dir" }', "group: says not when it fires"),
        (SMALLEST + 'group = { at = "x" }', "group: at 1 fields: there must be five"),
        (SMALLEST + "group = { count = 0 }", "group: count must be a whole number"),
        (SMALLEST + "group = { conut = 1 }", "group: unknown key 'conut': did you"),
        (SMALLEST + 'group = { by = "x", count = 1 }', "group: by is `dir`, or a temp"),
        (
            SMALLEST + 'group = { by = "{yyyy}-{mon}-{day}", count = 1 }',
            "group: by asks for {mon}, which is no token: did you mean",
        ),
        (
            SMALLEST + 'group = { by = "{dri}", count = 1 }',
            "group: by asks for {dri}, which is no token: did you mean 'dir'?",
        ),
        (
            SMALLEST + 'group = { by = "{dir}{meta:x}", count = 1 }',
            "group: by asks for {meta:…}, which files do not have",
        ),
        (
            SMALLEST + 'group = { quiet = "1m", min_count = 2 }',
            "group: min_count needs max_wait or at",
        ),
        (
            SMALLEST + 'template = "{file}"\ngroup = { count = 2 }',
            "template asks for {file}, which a group lacks",
        ),
        (
            SMALLEST + 'source = "events"\nquiet = "1s"',
            "quiet is for files that are listed",
        ),
        (SMALLEST * 2, "line 4 (rule 2): the same as rule 1: give one of them a name"),
        ("[storage]\ns3 = 1\n" + SMALLEST, "storage has a table for each protocol"),
        (
            '[[rule]]\nfiles = "/in/{yyyy}/{min}/*"\ntype = "t"\nlookback = "90d"',
            "lookback is too long",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(problems, text, problem):
    """Before anything is listed."""
    assert any(problem in it for it in problems(text)), problems(text)


def test_all_mistakes_are_told_at_once(problems):
    """One line for each."""
    text = '[[rule]]\nfiles = "/in/"\nquiet = 1\nkind = "x"\n'
    assert len(problems(text)) == 4


def test_a_rule_is_the_same_when_what_it_sends_is_changed(read):
    """Its files must not be told again for a better template."""
    (one,) = read(SMALLEST)
    (other,) = read(SMALLEST + 'template = "{file}?x"\nquiet = "1m"')
    (third,) = read(SMALLEST.replace("*.csv", "*.txt"))
    assert one.key == other.key
    assert one.key != third.key


def test_a_name_keeps_a_rule_the_same_when_its_pattern_changes(read):
    """Then it goes on with what it knows."""
    (one,) = read(SMALLEST + 'name = "orders"')
    (other,) = read(SMALLEST.replace("*.csv", "*.txt") + 'name = "orders"')
    assert one.key == other.key


def test_a_look_back_is_a_duration_with_days(read):
    """As elsewhere in rules."""
    (rule,) = read(
        '[[rule]]\nfiles = "/in/{yyyy}/{mm}/*"\ntype = "t"\nlookback = "2d12h"\n'
    )
    assert rule.lookback == timedelta(days=2, hours=12)
