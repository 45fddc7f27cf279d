"""Where log lines go: to stderr, short ones."""

import logging

import click

LEVELS = ("debug", "info", "warning", "error")
LOG_LEVEL = click.Option(
    ["-l", "--log-level"],
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="What to report on stderr.",
)


def set_up_logging(level: str) -> None:
    """Send log lines of a level and above to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("task: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
