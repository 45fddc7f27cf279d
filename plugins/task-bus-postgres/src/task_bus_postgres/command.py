"""`task postgres schema`: the SQL that makes the tables, for who may run it."""

from collections.abc import Callable

import click

from task_bus_postgres.options import NAME
from task_bus_postgres.schema import VERSION, quoted, sql_of
from task_core.api import UsageError

HELP = """Print the SQL that makes the tables of a bus postgres.

The bus makes them itself when it is first used. Where its user must not, one who may
runs this once, and gives the user of the bus its rights:

\b
  task postgres schema --user worker | psql DATABASE
"""
RIGHTS = """
GRANT USAGE ON SCHEMA {schema} TO {user};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user};
"""


def make() -> click.Command:
    """Return the command."""
    group = click.Group("postgres", help="Look after the tables of a bus postgres.")
    group.add_command(_schema())
    return group


def _schema() -> click.Command:
    @click.command(help=HELP)
    @click.option("--schema", default="task", show_default=True, help="Its name.")
    @click.option("--user", default="", help="Who is to have the rights of the bus.")
    @click.option(
        "--after", default=0, show_default=True, help="Version that is there already."
    )
    def schema(schema: str, user: str, after: int) -> None:
        _refuse("--schema", schema, bool(NAME.fullmatch(schema)))
        _refuse("--after", str(after), 0 <= after <= VERSION)
        click.echo(f"BEGIN;\n{sql_of(schema, after)}".rstrip())
        if user:
            name = '"{}"'.format(user.replace('"', '""'))
            click.echo(RIGHTS.format(schema=quoted(schema), user=name).rstrip())
        click.echo("COMMIT;")

    made: Callable[..., None] = schema
    assert isinstance(made, click.Command)
    return made


def _refuse(name: str, value: str, fits: bool) -> None:
    if not fits:
        raise UsageError(f"{name} cannot be '{value}'")
