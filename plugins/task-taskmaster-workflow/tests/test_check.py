"""Rules of what is found wrong with a file: each mistake, with its line."""

import pytest
from task_taskmaster_workflow.checks import read_workflow, twins
from task_taskmaster_workflow.graph import Graph

EXPORT = '[[phase]]\ntask = "export"\ncron = "30 5 * * *"\n'


def told(text):
    _, file = read_workflow("w.toml", text)
    return file.told()


def phase(task, *keys):
    return "\n".join(["[[phase]]", f'task = "{task}"', *keys, ""])


@pytest.mark.parametrize(
    ("keys", "line", "problem"),
    [
        (
            'depends_on = "export"',
            6,
            "unknown key 'depends_on': did you mean ",
        ),
        ('tempalte = "x"', 6, "unknown key 'tempalte': did you mean 'template'?"),
        ('cron = "61 * * * *"', 6, "cron '61 * * * *': bad minute"),
        ('cron = ["0 5 * * *", "5 * *"]', 6, "cron '5 * *': 3 fields: there must be"),
        ('cron = "TZ=X/Y @daily"', 6, "cron 'TZ=X/Y @daily': 'X/Y' is no time zone"),
        ('timezone = "Mars"', 6, "timezone 'Mars' is no time zone"),
        ('offset = "-6hours"', 6, "offset is not a duration like 10s or 1h30m"),
        ('deadline = "-4h"', 6, "deadline must not be negative"),
        ('retry_delay = "soon"', 6, "retry_delay is not a duration"),
        ('files = "/in/"', 6, "files ends in a folder: write /in/* for the files"),
        ('files = "/in/{yyy}/*"', 6, "files has {yyy}, which is no date token"),
        ('files = "/in\\u0000/*"', 6, "files has a NUL character"),
        ('batch = { meta_file = "x\\u0000" }', 6, "meta_file has a NUL character"),
        ('files = "s3://*/x"', 6, "files must begin with a folder or a bucket"),
        ("retry = -1", 6, "retry must be a whole number from 0 on"),
        ('missed = "some"', 6, "missed is one of skip, last, all"),
        ('missed_window = "2 days"', 6, "missed_window is not a duration"),
        ('overlap = "maybe"', 6, "overlap is one of allow, skip, wait"),
        ('on = "finish"', 6, "on is one of complete, warn, error, any"),
        ('join = "runs"', 6, "join is run, time, or a template"),
        ('join_within = "12"', 6, "join_within needs a unit, as in"),
        ('require = ["{meta:}"]', 6, "require takes keys of meta"),
        ('dependsOn = ["export", "export"]', 6, "dependsOn names a parent twice"),
        ('meta = { cron = "x" }', 6, "meta cannot set 'cron'"),
        ('batch = { by = "minute" }', 6, "by is one of hour, day, week, month"),
        ('batch = { for = "2x" }', 6, "for is not a duration"),
        (
            'batch = { meta = { a = ["1"], b = ["1", "2"] } }',
            6,
            "meta has unequal",
        ),
        (
            'batch = { meta = { a = 1 }, meta_file = "x" }',
            6,
            "meta and meta_file",
        ),
        ("batch = { max_tasks = 0 }", 6, "max_tasks must be a whole number from 1 on"),
        (
            'batch = { meta = { a = ["x", "y"] }, max_tasks = 1 }',
            6,
            "2 tasks at once, but max_tasks is 1: it would never fire",
        ),
        (
            'batch = { meta = { a = ["x", "y"] }, product = true, max_tasks = 1 }',
            6,
            "2 tasks at once, but max_tasks is 1",
        ),
        ("batch = { mets = { a = 1 } }", 6, "unknown key 'mets': did you mean 'meta'?"),
        ('rule = "%notvalid=%%%"', 6, "rule has a % that begins no escape"),
        ('rule = "cron=0 5 * * *&offset=-6hours"', 6, "offset is not a duration"),
        ('rule = "0 0 * * * *"', 6, "rule says '0 0 * * * *' without a key"),
        ('rule = "cron=@daily&Offset=-1h"', 6, "rule has 'Offset', which does nothing"),
        (
            'rule = "cron=@daily&require:={meta:a}"',
            6,
            "rule has 'require:'",
        ),
        (
            'rule = "cron=@daily&Require:{meta:a}"',
            6,
            "which does nothing: did you mean 'require={meta:a}'?",
        ),
        (
            'cron = "@daily"\ntemplate = "{yyyx}"',
            4,
            "{yyyx}, which stays as it is: did you mean 'yyyy'?",
        ),
        (
            'cron = "@daily"\ntemplate = "{day-slug}"',
            4,
            "{day-slug}, which stays as it is: did you mean 'day_slug'?",
        ),
        (
            'cron = "@daily"\ntemplate = "{date}"',
            4,
            "{date}, which stays as it is: did you mean 'day_slug'?",
        ),
        (
            'cron = "@daily"\ntemplate = "{meta}"',
            4,
            "{meta}, which stays as it is: did you mean 'meta:key'?",
        ),
        ('cron = "@daily"\ntemplate = "{ mm }"', 4, "is: did you mean 'mm'?"),
        (
            'cron = "@daily"\ntemplate = "{meta:a-b}"',
            4,
            "{meta:a-b}, which stays as it is: a key has letters, digits and _",
        ),
        (
            'manual = true\ndeadline = "2s"',
            7,
            "deadline does nothing for what is only started by hand",
        ),
        ('rule = "cron=@daily&metafile=x"', 6, "rule has an unknown key 'metafile'"),
        ('rule = "cron=@daily&meta=a:1|b:1,2"', 6, "meta has unequal lengths"),
        ('rule = "cron=@daily&meta=a:1&meta-file=x"', 6, "meta and meta_file cannot"),
        ('rule = "cron=@daily&for=-48h&by=minute"', 6, "by is one of hour, day"),
        (
            'template = "x"',
            4,
            "nothing ever starts it: give it cron",
        ),
        (
            'dependsOn = "exprot"',
            4,
            "dependsOn names 'exprot', which is",
        ),
        (
            'cron = "@daily"\ntemplate = "{meta:shop}"',
            4,
            "asks for {meta:shop}",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(keys, line, problem):
    """In the words of the file, and with what was meant where that is near."""
    (found, *_) = [it for it in told(EXPORT + phase("load", keys)) if problem in it]
    assert found.startswith(f"w.toml, line {line} (")


TWINS = "tasks of its batch, identical: nothing asks for shop"
SHOPS = 'cron = "@daily"\nbatch.meta.shop = ["a", "b"]'
SQUARE = 'batch = { product = true, meta = { a = ["1", "2"], b = ["1", "2"] } }'


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ((SHOPS,), f"2 {TWINS}"),
        ((SHOPS, 'template = "{meta:shop}"'), ""),
        ((SHOPS, 'keep = ["shop"]'), ""),
        ((SHOPS, 'template = "{meta:b}"', 'batch.meta.b = ["1", "2"]'), ""),
        (
            ('template = "{meta:b}"', SQUARE),
            "4 tasks of its batch, only 2 different ones: nothing asks for a",
        ),
    ],
)
def test_tasks_of_a_batch_that_nothing_tells_apart_are_told(keys, text):
    """As in flowlord's files, meta of a batch has what templates or `keep` ask for."""
    workflow, _ = read_workflow("w.toml", phase("load", *keys))
    assert twins(Graph(workflow.phases), workflow.phases[0]) == text


def test_what_follows_may_ask_for_what_tells_tasks_apart():
    """Its template, as meta goes down."""
    child = phase("send", 'dependsOn = "load"', 'template = "{meta:shop}"')
    workflow, _ = read_workflow("w.toml", phase("load", SHOPS) + child)
    assert not twins(Graph(workflow.phases), workflow.phases[0])


@pytest.mark.parametrize("info", ["{x}", '{"a": {}}', "{name}", "{yyyy}-{{mm}}", "{}"])
def test_what_is_no_token_is_left_alone(info):
    """An info may be JSON, or a pattern of somebody else."""
    assert not told(phase("load", 'cron = "@daily"', f"template = '{info}'"))


def test_a_duplicate_phase_is_told_with_both_lines():
    """Its tasks would be sent twice."""
    (problem,) = told(EXPORT + EXPORT)
    assert problem.startswith(
        "w.toml, line 4 (export): the same phase stands in line 1"
    )


def test_one_task_may_have_phases_for_several_events():
    """As in files of flowlord: another time, another parent."""
    assert not told(EXPORT + EXPORT.replace("30 5", "30 6"))


def test_a_circle_is_told_as_it_goes():
    """It would run for ever; flowlord's own page of it crashes."""
    text = phase("a", 'dependsOn = "c"') + phase("b", 'dependsOn = "a"')
    (problem,) = told(text + phase("c", 'dependsOn = "b"'))
    assert "phases follow each other in a circle: " in problem
    assert problem.startswith("w.toml, line ")


def test_a_phase_that_follows_its_own_type_is_a_circle():
    """`dependsOn = "load"` means each of its jobs, also the one that says it."""
    (problem,) = told(EXPORT + phase("export:late", 'dependsOn = "export"'))
    assert "circle: export:late -> export:late" in problem


def test_each_circle_is_told_with_its_line():
    """Whoever mends one need not start again to learn of the next."""
    names = {"a": '"b"', "b": '["a", "b"]', "c": '"c"', "d": '["e", "a"]', "e": '"d"'}
    problems = told("".join(phase(it, f"dependsOn = {of}") for it, of in names.items()))
    circles = {1: "a -> b -> a", 4: "b -> b", 7: "c -> c", 10: "d -> e -> d"}
    assert set(problems) == {
        f"w.toml, line {line}: phases follow each other in a circle: {circle}"
        for line, circle in circles.items()
    }
    assert len(problems) == 4


def test_a_key_of_meta_that_is_nearly_there_is_told():
    """What a worker adds is not known; a slip of the pen is."""
    batch = 'batch = { meta = { shop = ["de", "fr"] } }'
    parent = EXPORT + batch + "\n"
    child = ('dependsOn = "export"', 'template = "?s={meta:shp}&f={meta:file}"')
    (problem,) = told(parent + phase("load", *child))
    assert "{meta:shp}, which nothing brings: did you mean 'shop'?" in problem


def test_all_mistakes_are_told_at_once_in_their_order():
    """Nobody wants to mend one after the other."""
    text = 'timezon = "UTC"\n[defaults]\nretry = "x"\n' + phase("", "cron = 5")
    assert [it.split(": ")[0] for it in told(text)] == [
        "w.toml, line 1",
        "w.toml, line 3",
        "w.toml, line 5 (phase 1)",
        "w.toml, line 6 (phase 1)",
    ]


def test_a_file_without_phases_is_told():
    """It says how to write one; a wrong header has its near one."""
    assert told("") == [
        "w.toml: at least one phase is required: write [[phase]] and its keys"
    ]
    assert told("[[phases]]\ntask='a'")[0].endswith("did you mean 'phase'?")


def test_what_is_no_toml_has_its_line():
    """And nothing else is said of it."""
    (problem,) = told("[[phase]]\ntask = \n")
    assert problem == "w.toml, line 2: this is no TOML: Invalid value"


def test_a_good_file_has_nothing_to_tell():
    """Each key, in our own spelling."""
    text = """
timezone = "Europe/Berlin"
[defaults]
retry = 2
retry_delay = "30s"
deadline = "4h"

[[phase]]
task = "export:orders"
cron = "30 5 * * *"
missed = "last"
missed_window = "2d"
overlap = "wait"
offset = "-24h"
template = "s3://shop/{day_slug}/orders.json"

[[phase]]
task = "export:items"
cron = ["0 6 * * *", "0 18 * * *"]
meta = { kind = "items" }
keep = ["kind"]
template = "s3://shop/{day_slug}/{meta:kind}.json"

[[phase]]
task = "report:daily"
dependsOn = ["export:orders", "export:items"]
on = ["complete", "warn"]
join = "time"
join_within = "12h"
require = ["file"]
batch = { meta = { shop = ["de", "fr"] }, by = "day", for = "-48h", max_tasks = 100 }
template = "?shop={meta:shop}&day={yyyy}-{mm}-{dd}&file={meta:file}"

[[phase]]
task = "again"
manual = true
template = "?x={meta:anything}"
"""
    assert told(text) == []
