"""Rules of templates: a template and a time give an info string."""

import os
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from task_rules.template import expand, keys

MOMENT = datetime(2018, 1, 2, 3, 17, 34, tzinfo=UTC)
HOST = os.uname().nodename
DATE_TOKENS = {
    "{YYYY}": "2018",
    "{YY}": "18",
    "{MM}": "01",
    "{DD}": "02",
    "{HH}": "03",
    "{min}": "17",
    "{TS}": "20180102T031734",
    "{HOUR_SLUG}": "2018/01/02/03",
    "{SLUG}": "2018/01/02/03",
    "{DAY_SLUG}": "2018/01/02",
    "{MONTH_SLUG}": "2018/01",
}
TOKENS = [*DATE_TOKENS, "{HOST}", "{POD}", "{uuid}"]
moments = st.datetimes()
names = st.from_regex(r"\w+", fullmatch=True)
pieces = st.sampled_from([*TOKENS, "{meta:a}", "{meta:b}", "#", "{", "}", "/x", "{q}"])
templates = st.lists(pieces, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("template", "info"),
    [
        *DATE_TOKENS.items(),
        ("{YYYY}/{MM}/{DD}/{HH}", "2018/01/02/03"),
        ("{YYYY}/{MM}/{DD}/{HH}/{min}", "2018/01/02/03/17"),
        ("{yyyy}/{mm}/{dd}/{hh}", "2018/01/02/03"),
        ("", ""),
        ("./file.txt", "./file.txt"),
        ("path/{yyyy}/{mm}/{dd}#{yyyy}/{mm}", "path/2018/01/02#{yyyy}/{mm}"),
        ("path/{host}.log", f"path/{HOST}.log"),
        ("path/{POD}.json", f"path/{'-'.join(HOST.split('-')[-2:])}.json"),
        ("{TS}/{yyyy}.{slug}", "20180102T031734/2018.2018/01/02/03"),
        ("{{yyyy}}", "{2018}"),
    ],
)
def test_tokens_become_parts_of_the_time(template, info):
    """As the Go system writes them."""
    assert expand(template, MOMENT) == info


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_read_in_any_case(token):
    """`{ts}`, `{UUID}` and `{Min}` are documented or obvious, so they work."""
    for text in (token.lower(), token.upper(), token.title()):
        assert expand(text, MOMENT) != text
        if token != "{uuid}":
            assert expand(text, MOMENT) == expand(token, MOMENT)


@pytest.mark.parametrize(
    "template", ["{yyy}", "{ yyyy }", "{yyyy", "yyyy}", "{}", "{src_path}", "{a-b}"]
)
def test_what_is_no_token_stays(template):
    """Somebody else may know what it means."""
    assert expand(template, MOMENT, {}) == template


def test_a_uuid_is_drawn_once_a_template():
    """All of its places get the same digits; the next template gets others."""
    first, second = expand("{uuid}/{UUID}", MOMENT).split("/")
    assert re.fullmatch(r"[0-9a-f]{8}", first)
    assert first == second
    assert expand("{uuid}", MOMENT) != expand("{uuid}", MOMENT)


def test_the_time_is_written_in_its_own_zone():
    """Nobody turns it into the zone of the machine."""
    moment = datetime(2026, 3, 1, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert expand("{ts}", moment) == "20260301T003000"


def test_what_follows_a_hash_is_left_alone():
    """It is the fragment of a URI; a hash in the first place begins a plain text."""
    assert expand("a/{dd}#{dd}#{dd}", MOMENT) == "a/02#{dd}#{dd}"
    assert expand("#{dd}", MOMENT) == "#02"


def test_meta_is_filled_in_behind_a_hash():
    """The Go system does so, too."""
    assert expand("a#{dd}{meta:n}", MOMENT, {"n": "7"}) == "a#{dd}7"


def test_without_a_time_only_meta_is_filled_in():
    """The child of a task without a date keeps its tokens, for people to see."""
    template = "{yyyy}/{host}/{uuid}?n={meta:n}"
    assert expand(template, None, {"n": "7"}) == "{yyyy}/{host}/{uuid}?n=7"


@pytest.mark.parametrize(
    ("template", "meta", "info"),
    [
        ("{meta:file}", {"file": "s3://path/to/file.txt"}, "s3://path/to/file.txt"),
        ("{meta:file}", {}, ""),
        ("the quick brown fox", {}, "the quick brown fox"),
        ("{meta:da ta}", {}, "{meta:da ta}"),
        ("{META:file}{meta:File}", {"file": "a", "File": "b"}, "ab"),
        (
            "{meta:file}?hour={meta:time}&key=value&pass={meta:pass}",
            {"file": "gs://bucket/test.gz", "time": "2019-03-04", "pass": "r$kE43"},
            "gs://bucket/test.gz?hour=2019-03-04&key=value&pass=r$kE43",
        ),
    ],
)
def test_meta_tokens_become_values(template, meta, info):
    """A missing one is empty; the keys, unlike the word `meta`, have a case."""
    assert expand(template, MOMENT, meta) == info


def test_meta_tokens_stay_when_there_is_no_meta():
    """To be filled in later."""
    assert expand("{dd}{meta:n}", MOMENT) == "02{meta:n}"


def test_values_are_no_templates():
    """What is filled in is not read again."""
    assert expand("{meta:a}{meta:b}", MOMENT, {"a": "{dd}", "b": "\\1{meta:a}"}) == (
        "{dd}\\1{meta:a}"
    )


def test_keys_are_told_in_order():
    """With repetitions, as they stand."""
    assert keys("{meta:b}{yyyy}{meta:a}#{META:b}{meta:}") == ["b", "a", "b"]


@given(st.text(), moments)
@example("{\x00}", MOMENT)
def test_any_text_is_a_template(text, moment):
    """And one without braces means itself."""
    info = expand(text, moment, {})
    assert "{" in text or info == text


@given(moments)
@example(datetime(987, 6, 5))
def test_every_date_reads_back(moment):
    """Numbers keep their width, whatever the year."""
    written = expand("{TS} {slug}/{min} {yyyy}{yy}", moment)
    stamp, slug, year = written.split(" ")
    assert stamp == moment.isoformat()[:19].replace("-", "").replace(":", "")
    assert slug == moment.isoformat()[:16].translate(str.maketrans("-T:", "///"))
    assert year == f"{moment.year:04}{moment.year % 100:02}"


@given(templates, moments)
@example("{meta:a}#{YYYY}", datetime(2000, 1, 1))
@example("{YYYY}#{meta:a}", datetime(2000, 1, 1))
def test_no_known_token_is_left_before_a_hash(template, moment):
    """Wherever it stands, however often; behind the hash only the meta is filled in."""
    cut = template.find("#", 1)
    tail = re.sub(r"\{meta:\w\}", "", template[cut:]) if cut > 0 else ""
    info = expand(template, moment, {})
    assert info.endswith(tail)
    head = info.removesuffix(tail)
    assert not any(token in head for token in (*TOKENS, "{meta:a}"))


@given(templates, moments)
def test_what_was_expanded_stays_as_it_is(template, moment):
    """Two steps give what one gives."""
    meta = {"a": "1", "b": "2"}
    if "uuid" not in template and "{{" not in template:
        dated = expand(template, moment)
        whole = expand(template, moment, meta)
        assert expand(dated, None, meta) == whole
        assert expand(whole, moment, meta) == whole


@given(st.lists(names))
def test_keys_finds_each_token(wanted):
    """Those that `expand` fills in."""
    template = "/".join(f"{{meta:{name}}}" for name in wanted)
    assert keys(template) == wanted
    meta = dict.fromkeys(wanted, "v")
    assert expand(template, None, meta) == "/".join("v" for _ in wanted)
