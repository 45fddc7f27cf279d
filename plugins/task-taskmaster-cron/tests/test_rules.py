"""Rules of `rules`: what a rules file may say, and what is told when it is wrong."""

import re
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from task_rules.missed import Missed
from task_taskmaster_cron.options import MISSED, Options
from task_taskmaster_cron.rules import read_rules

from task_core.api import OptionError

DAILY = 'cron = "@daily"\ntype = "load"\n'


def read(place, **options):
    defaults = {"timezone": "UTC", "missed": Missed.LAST}
    return read_rules(place.rules, **{**defaults, **options})


def problems(place):
    with pytest.raises(OptionError) as error:
        read(place)
    return list(error.value.problems)


def test_two_keys_are_enough(place):
    """The rest has defaults; the topic is the type."""
    place.write(DAILY)
    (rule,) = read(place)
    assert (rule.type, rule.topic, rule.job, rule.template) == ("load", "load", "", "")
    assert (rule.offset, rule.meta, rule.missed) == (timedelta(0), {}, Missed.LAST)
    assert (rule.zone, rule.cron, rule.number) == (UTC, "@daily", 1)


def test_a_rule_says_all_that_it_can(place):
    """Each of its keys."""
    place.write(
        'cron = "0 5  * * *"\ntype = "load"\ntopic = "loads"\njob = "orders"\n'
        'template = "{yyyy}?n={meta:n}"\noffset = "-24h"\ntimezone = "Europe/Berlin"\n'
        'missed = "all"\nmeta = { n = 7, x = true, y = 1.5, z = "a b" }\n'
    )
    (rule,) = read(place)
    assert (rule.topic, rule.job, rule.cron) == ("loads", "orders", "0 5 * * *")
    assert (rule.offset, rule.zone) == (timedelta(hours=-24), ZoneInfo("Europe/Berlin"))
    assert rule.meta == {"n": "7", "x": "true", "y": "1.5", "z": "a b"}
    assert rule.missed is Missed.ALL


def test_options_say_what_rules_leave_open(place):
    """A rule's own word counts more."""
    place.write(DAILY, f'{DAILY}timezone = "UTC"\nmissed = "skip"\n')
    one, other = read(place, timezone="Asia/Tokyo", missed=Missed.ALL)
    assert (one.zone, one.missed) == (ZoneInfo("Asia/Tokyo"), Missed.ALL)
    assert (other.zone, other.missed) == (UTC, Missed.SKIP)


@pytest.mark.parametrize("prefix", ["CRON_TZ=Asia/Tokyo", "TZ=Asia/Tokyo"])
def test_the_zone_may_stand_before_the_fields(place, prefix):
    """And may be said twice, but not differently."""
    place.write(
        f'cron = "{prefix} @daily"\ntype = "a"',
        f'cron = "{prefix} @daily"\ntype = "b"\ntimezone = "Asia/Tokyo"',
    )
    assert [rule.zone for rule in read(place)] == [ZoneInfo("Asia/Tokyo")] * 2
    place.write(f'cron = "{prefix} @daily"\ntype = "a"\ntimezone = "UTC"')
    (problem,) = problems(place)
    assert problem.endswith("cron is in Asia/Tokyo, but timezone is UTC")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ('type = "a"', "cron is required"),
        ('cron = "@daily"', "type is required"),
        (f'{DAILY}topic = ""', "topic must not be empty"),
        ('cron = " "\ntype = "a"', "cron must not be empty"),
        ('cron = 5\ntype = "a"', "cron must be text, not 5"),
        ('cron = "61 * * * *"\ntype = "a"', "cron '61 * * * *': bad minute"),
        ('cron = "TZ=UTC"\ntype = "a"', "cron '': 0 fields: there must be five"),
        ('cron = "TZ=X/Y @daily"\ntype = "a"', "cron: 'X/Y' is no time zone"),
        (f"{DAILY}job = 1", "job must be text, not 1"),
        (f"{DAILY}template = []", "template must be text, not []"),
        (f"{DAILY}offset = -24", "offset must be text like '-24h', not -24"),
        (
            f'{DAILY}offset = "-99999999h"',
            "offset leads more than a hundred years away: '-99999999h'",
        ),
        (
            'cron = "TZ= 0 0 * * *"\ntype = "t"',
            "cron: '' is no time zone",
        ),
        (f'{DAILY}offset = "1x"', "offset is not a duration like 10s or 1h30m: '1x'"),
        (f'{DAILY}timezone = "X/Y"', "timezone 'X/Y' is no time zone"),
        (f'{DAILY}missed = "none"', "missed is one of skip, last, all, not 'none'"),
        (f"{DAILY}missed = []", "missed is one of skip, last, all, not []"),
        (f'{DAILY}meta = "a=b"', "meta must be a table, not 'a=b'"),
        (f"{DAILY}meta = {{ a = [1] }}", "meta takes texts, numbers, true and false"),
        (f"{DAILY}meta = {{ cron = 1 }}", "meta cannot set 'cron'"),
        (
            f'{DAILY}template = "{{meta:nmae}}"\nmeta = {{ name = "x" }}',
            "template asks for {meta:nmae}, which meta does not have: did you mean",
        ),
        (f'{DAILY}offfset = "1h"', "unknown key 'offfset': did you mean 'offset'?"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(place, rule, problem):
    """File, line and number."""
    place.write(DAILY.replace("load", "first"), rule)
    (told,) = problems(place)
    place_, _, what = told.partition(": ")
    assert re.fullmatch(r"rules\.toml, line [5-9] \(rule 2\)", place_)
    assert what.startswith(problem)


def test_everything_that_is_wrong_is_told_at_once(place):
    """In the order of the file."""
    place.write('cron = "x"\ntype = 1', DAILY, 'kron = "@daily"\nmeta = 1')
    assert [problem.partition(": ")[2][:14] for problem in problems(place)] == [
        *("cron 'x': 1 fi", "type must be t"),
        *("cron is requir", "type is requir", "unknown key 'k", "meta must be a"),
    ]


def test_a_rule_that_is_there_twice_is_refused(place):
    """Nobody wants each task twice, and the state could not tell the two."""
    place.write(DAILY, DAILY.replace("load", "x"), f"{DAILY}missed = 'all'")
    (problem,) = problems(place)
    assert problem == "rules.toml, line 9 (rule 3): the same as rule 1"


def test_rules_in_braces_have_the_line_of_their_list(place):
    """Their own is not known; the number is."""
    place.rules.write_text('\nrule = [{ cron = "@daily" }]')
    assert problems(place) == ["rules.toml, line 2 (rule 1): type is required"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "rules.toml: at least one rule is required"),
        (f"[[rules]]\n{DAILY}", "line 1: unknown key 'rules': did you mean 'rule'"),
        (f"[rule]\n{DAILY}", "line 1: rules are tables: write [[rule]] above each"),
        ("rule = [1]", "line 1: rules are tables"),
        ("[[rule", "this is no TOML: Expected ']]'"),
    ],
)
def test_a_file_without_rules_is_refused(place, text, problem):
    """It says how to write one."""
    place.rules.write_text(text)
    assert problem in problems(place)[0]


def test_a_file_that_cannot_be_read_is_told(place):
    """With its path and the reason."""
    assert problems(place) == [f"cannot read rules {place.rules}: {MISSING}"]
    place.rules.write_bytes(b"\xff")
    assert problems(place) == [f"cannot read rules {place.rules}: it is not UTF-8"]


def test_a_wrong_default_zone_is_told(place):
    """It is the option that is wrong, not a rule."""
    place.write(DAILY)
    with pytest.raises(OptionError, match="option timezone: 'X' is no time zone"):
        read(place, timezone="X")


MISSING = "No such file or directory"


def test_options_know_what_rules_know_of_missed_firings():
    """By its words alone: what help and lists import is light."""
    assert list(MISSED) == [*Missed]
    with pytest.raises(ValueError, match="'lats' is none of skip, last, all"):
        Options(rules="rules.toml", missed="lats")
