"""The page on configuration tells every key and variable."""

import runpy
from pathlib import Path

from task_core.cli import main

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "contrib" / "configuration.py"))


def test_the_page_is_what_the_code_says():
    """`python contrib/configuration.py` writes it."""
    assert MADE["PAGE"].read_text(encoding="utf-8") == MADE["page"]()


def test_every_option_of_every_command_is_on_the_page():
    """Whatever command takes options by flag, variable and table."""
    text = MADE["page"]()
    for name in main.cli.list_commands(main.click.Context(main.cli)):
        command = main.cli.get_command(main.click.Context(main.cli), name)
        commands = getattr(command, "commands", {name: command}).values()
        for one in commands:
            for param in one.params:
                section = getattr(param, "section", None)
                if section and not section.flag:
                    assert f"`{section.env_of(param.spec)}`" in text
