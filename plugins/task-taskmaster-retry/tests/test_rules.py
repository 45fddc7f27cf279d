"""A rules file is read, or all that is wrong with it is told with its line."""

import pytest
from click.testing import CliRunner
from task_taskmaster_retry.command import make
from task_taskmaster_retry.rules import read_rules

from task_core.api import OptionError

GO = """
done_topic = "done"
done_channel = "retries"
retried_topic = "-"
retry_failed_topic = "failed"

[bus]
bus = "nsq"
lookupd_hosts = ["a:4161"]

[[rule]]
type = "load"
retry = 3
wait = "5m"
topic = "loads"
"""


def test_a_file_of_the_go_app_is_read_as_it_is(tmp_path):
    """Its bus is what `--bus` says here."""
    path = tmp_path / "retry.toml"
    path.write_text(GO)
    rules = read_rules(path)
    assert (rules.done_channel, rules.retried_topic) == ("retries", "")
    assert rules.failed_topic == "failed"
    (rule,) = rules.rules
    assert (rule.type, rule.retry, rule.wait, rule.topic) == ("load", 3, 300.0, "loads")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", ["retry.toml: at least one rule is required"]),
        ("[[rule]", ["retry.toml, line 1: this is no TOML"]),
        ("[[rule]]\nretry = 1\n", ["line 1 (rule 1): type is required"]),
        ('[[rule]]\ntype = "a"\n', ["line 1 (rule 1): retry is required"]),
        (
            '[[rule]]\ntype = "a"\nretry = -1\nwiat = "1s"\nmatch = "("\n',
            [
                "line 3 (rule 1): retry must be a whole number",
                "line 4 (rule 1): unknown key 'wiat': did you mean 'wait'?",
                "line 5 (rule 1): match '(' is no regular expression",
            ],
        ),
        (
            '[[rule]]\ntype = "a"\nretry = 1\nwait = "5"\nfactor = 0\njitter = 2\n',
            [
                "line 4 (rule 1): wait needs a unit",
                "line 5 (rule 1): factor must be from 1 to 100",
                "line 6 (rule 1): jitter must be from 0 to 1",
            ],
        ),
        (
            '[[rule]]\ntype = "a"\nretry = 1\nwait = "2h"\n',
            ["line 4 (rule 1): wait is longer than max_wait"],
        ),
        (
            '[[rule]]\ntype="a"\nretry=1\n[[rule]]\ntype="a"\nmatch="x"\nretry=2',
            ["line 4 (rule 2): it is never reached: rule 1 takes its tasks"],
        ),
        (
            'done_topik = "x"\n[[rule]]\ntype = "a"\nretry = 1\n',
            ["line 1: unknown key 'done_topik': did you mean 'done_topic'?"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, content, told):
    """All of it at once; the command does so too, with exit code 2."""
    path = tmp_path / "retry.toml"
    path.write_text(content)
    with pytest.raises(OptionError) as error:
        read_rules(path)
    assert len(error.value.problems) == len(told)
    for problem, part in zip(error.value.problems, told, strict=True):
        assert part in problem
    done = CliRunner().invoke(make(), ["check", str(path)])
    assert isinstance(done.exception, OptionError)


def test_a_check_shows_the_waits_that_rules_mean(tmp_path):
    """Before anything runs."""
    path = tmp_path / "retry.toml"
    path.write_text(GO + '[[rule]]\ntype = "x"\nmatch = "429"\nretry = 0\n')
    done = CliRunner().invoke(make(), ["check", str(path)])
    assert done.output == (
        "retry.toml: reads done as retries, given up to failed\n"
        "  rule 1 (load): 3 times after 300s 600s 1200s -> loads\n"
        "  rule 2 (x) when '429': never -> x\n"
    )
