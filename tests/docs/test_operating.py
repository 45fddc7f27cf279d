"""`docs/operating.md` tells of every exit code."""

import re
from pathlib import Path

from task_core import errors
from task_core.cli.run_launch import LEAKED, exit_code

TEXT = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")


def test_every_exit_code_is_told():
    """Scripts and supervisors act on them."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    kinds = [it for it in vars(errors).values() if isinstance(it, type)]
    raised = {it.exit_code for it in kinds if issubclass(it, errors.FrameworkError)}
    ended = {exit_code([]), exit_code([2]), exit_code([], failed=True), LEAKED}
    assert told == raised | ended | {exit_code([], stuck=True)}
