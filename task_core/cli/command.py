"""A click command whose options depend on which plugins are selected."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import click

from task_core.cli.commands import installed
from task_core.cli.parameters import SectionOption, flags_of
from task_core.cli.stdout import diverted_stdout
from task_core.config.bus import read_toml
from task_core.config.selection import KINDS, Selected, Selector, Settings
from task_core.config.sources import Section
from task_core.errors import FrameworkError, OptionError

_REST = "Options"


class PluginCommand(click.Command):
    """Parses twice: the first time to learn who is selected, then with their options.

    Args:
        section: The command's own options.
        run: Called with the settings; returns the exit code.
        lenient: Call it although something is wrong with them.
        groups: Under which titles help shows the command's own options.
        repeats: An option that may be given several times: all is resolved, and `run`
            gets settings, once for each.
        attributes: As for `click.Command`.
    """

    def __init__(
        self,
        *,
        section: Section,
        run: Callable[..., int],
        lenient: bool = False,
        groups: Mapping[str, Sequence[str]] | None = None,
        repeats: str = "",
        **attributes: Any,
    ) -> None:
        self._lenient = lenient
        self._titles = {
            name: title for title, names in (groups or {}).items() for name in names
        }
        self._section = section
        self._run = run
        self._repeats = repeats
        self._selections: list[list[Selected]] = []
        self._selector: Selector | None = None
        self._error: FrameworkError | None = None
        super().__init__(callback=self._invoke, **attributes)
        self._own = list(self.params)
        self._own += [self._option(section, spec) for spec in section.specs]
        self._own.append(_CONFIG)
        self.params = list(self._own)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the options of the selected plugins, then parse."""
        self._learn(args, lenient=ctx.resilient_parsing)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            if self._error is not None:  # why it does not know an option
                raise self._error from None
            raise

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Show what belongs together in a section of its own, as each plugin's do."""
        order = [*dict.fromkeys(self._titles.values()), _REST]
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in order}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record and isinstance(param, click.Option):
                groups.setdefault(self._title(param), []).append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def _title(self, param: click.Option) -> str:
        if not isinstance(param, SectionOption):
            return _REST
        flag = param.section.flag
        for one in self._all_selected():
            if flag == one.section.flag:
                return f"Options of {one.role.replace('_', '-')} {one.plugin.name}"
        return self._titles.get(param.spec.name, _REST)

    def _invoke(self, **params: Any) -> int:
        """Resolve everything and run."""
        if self._error is not None:
            raise self._error
        assert self._selector is not None  # parse_args came before
        section_names = {param.name for param in self.params if _is_ours(param)}
        settings = [
            self._selector.resolve(partial(flags_of, one), selected)
            for one, selected in zip(self._each(params), self._selections, strict=True)
        ]
        problems = dict.fromkeys(text for one in settings for text in one.problems)
        if problems and not self._lenient:
            raise OptionError([*problems, *_reasons(settings)])
        own = {k: v for k, v in params.items() if k not in section_names}
        return self._run(*settings, **own)

    def _each(self, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return what is said, once for each value of the option that repeats."""
        values = params.get(self._repeats) or ()
        if len(values) < 2:
            return [params]
        return [{**params, self._repeats: (value,)} for value in values]

    def _all_selected(self) -> list[Selected]:
        """Return who is selected, each once."""
        found = {(x.role, x.plugin.name): x for xs in self._selections for x in xs}
        return [*found.values()]

    def _learn(self, args: list[str], *, lenient: bool) -> None:
        """Find out who is selected, and offer their options.

        Help and completion do without what is wrong.
        """
        params = self._first_look(args)
        self._error = None
        try:
            path = params.get("config") or os.environ.get("TASK_CONFIG")
            toml = read_toml(path)
            self._selector = Selector(self._section, installed(), toml)
            with diverted_stdout():  # what a plugin prints when imported is no data
                self._selections = [
                    self._selector.select(partial(flags_of, one))
                    for one in self._each(params)
                ]
        except FrameworkError as error:
            if not (lenient or params["help"]):
                raise
            self._error = error  # if that was no help, but the value of an option
        options = [
            SectionOption(one.section, spec)
            for one in self._all_selected()
            for spec in one.section.specs
        ]
        # What several workers have in common is one flag, for all of them.
        self.params = [*self._own, *{one.name: one for one in options}.values()]

    def _first_look(self, args: list[str]) -> dict[str, Any]:
        """Parse the command's own options, and overlook everything else."""
        settings = {"ignore_unknown_options": True, "allow_extra_args": True}
        look = click.Command(
            self.name,
            params=[*self._own, _HELP],
            context_settings=settings,
            add_help_option=False,
        )
        with look.make_context(self.name, [*args], resilient_parsing=True) as ctx:
            return ctx.params

    def _option(self, section: Section, spec: Any) -> SectionOption:
        if spec.name not in KINDS:
            return SectionOption(section, spec)
        complete = completer(KINDS[spec.name])
        return SectionOption(section, spec, shell_complete=complete)


def _reasons(settings: Sequence[Settings]) -> list[str]:
    """Return why options may be missing: the name of their table is mistyped."""
    from task_core.config.mistyped import mistyped_tables

    return mistyped_tables(settings)


def _is_ours(param: click.Parameter) -> bool:
    return isinstance(param, SectionOption) or param is _CONFIG


def completer(kind: str) -> Callable[..., list[Any]]:
    """Return what completes the names of plugins of a kind, and files."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        if incomplete.startswith((".", "/")):
            return click.Path().shell_complete(ctx, param, incomplete)
        names = click.Choice(installed().names(kind))
        return names.shell_complete(ctx, param, incomplete)

    return complete


_CONFIG = click.Option(
    ["-C", "--config"],
    metavar="FILE",
    type=click.Path(),
    help="TOML file with options; ./task.toml if it is there.",
)
_HELP = click.Option(["-h", "--help"], is_flag=True)
