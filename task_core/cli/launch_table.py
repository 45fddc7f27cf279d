"""One table of the TOML file, whose keys are the flags of a `task launch`."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from task_core.config.resolve import Setting, convert
from task_core.config.selection import BUSES
from task_core.config.sources import Section
from task_core.config.toml_file import TomlFile
from task_core.errors import nearest
from task_core.fields import Field


@attrs.frozen(eq=False)
class Table:
    """One table, whose keys are flags.

    Args:
        toml: Where it is.
        path: Its names.
        values: What it holds.
    """

    toml: TomlFile
    path: tuple[str, ...]
    values: Mapping[str, Any]

    def flags(self, section: Section) -> dict[str, Sequence[str]]:
        """Return what it says about a section, as the command line would."""
        return {
            spec.name: _texts(self.values[key])
            for spec in section.specs
            if (key := _key(section, spec)) in self.values
        }

    def open_flags(self, section: Section) -> dict[str, Sequence[str]]:
        """Return those of `flags` that everybody may see."""
        hidden = [spec.name for spec in section.specs if _is_hidden(spec)]
        flags = self.flags(section)
        return {name: flags[name] for name in flags if name not in hidden}

    def unknown(self, sections: Sequence[Section]) -> list[str]:
        """Return what is wrong with keys that none of the sections has."""
        names = [_key(section, spec) for section in sections for spec in section.specs]
        found = Section(options=object, table=self.path)
        places = {
            key: self.toml.place(self.path, key)
            for key in self.values
            if key not in names
        }
        return [
            f"{place}: [{'.'.join(found.table)}] has no key '{key}'"
            f"{nearest(key, names) or '; it takes the flags of task launch'}"
            for key, place in places.items()
        ]

    def unsayable(self) -> list[str]:
        """Return what is wrong with values that no word of a process can hold."""
        return [
            self._of(key, "holds a NUL ('\\u0000'), which no flag can: leave it out")
            for key, value in self.values.items()
            if any("\0" in text for text in _texts(value))
        ]

    def placed(
        self, problems: Sequence[str], sections: Sequence[Section], where: str
    ) -> list[str]:
        """Return problems that tell of lines, where they told of flags."""
        keys = {
            section.flag_of(spec): _key(section, spec)
            for section in sections
            for spec in section.specs
        }
        return [self._placed(problem, keys, where) for problem in problems]

    def _placed(self, problem: str, keys: Mapping[str, str], where: str) -> str:
        flag, colon, what = problem.partition(": ")
        if colon and keys.get(flag) in self.values:
            return self._of(keys[flag], what)
        return f"{where}: {problem}" if " is required: " in problem else problem

    def _of(self, key: str, what: str) -> str:
        return f"{self.toml.place(self.path, key)}: {key}: {what}"

    def words(self, sections: Sequence[Section]) -> list[str]:
        """Return what everybody may see as flags; it was resolved without a problem."""
        return [
            _word(section, spec, text)
            for section in sections
            for spec in section.specs
            for text in self.open_flags(section).get(spec.name, ())
        ]

    def variables(self, sections: Sequence[Section]) -> dict[str, str]:
        """Return the rest as environment variables."""
        return {
            section.env_of(spec): ",".join(texts) if spec.multiple else texts[-1]
            for section in sections
            for spec in section.specs
            if _is_hidden(spec) and (texts := self.flags(section).get(spec.name))
        }

    def misheard(
        self,
        sections: Sequence[Section],
        meant: Sequence[Setting],
        heard: Sequence[Setting],
    ) -> list[str]:
        """Return what is wrong with secrets that would not come as they are meant.

        Args:
            sections: Whose keys it may have.
            meant: What the table says, and what all tables share.
            heard: What a process takes from its flags and variables.
        """
        values = {_id(one): one.value for one in heard}
        wrong = {
            one.section.env_of(one.spec)
            for one in meant
            if _id(one) not in values or values[_id(one)] != one.value
        }
        readers = [one.env_of(spec) for one in sections for spec in one.specs]
        return [
            self._of(key, _why(variable, spec, readers.count(variable) > 1))
            for section in sections
            for spec in section.specs
            if (key := _key(section, spec)) in self.values
            and _is_hidden(spec)
            and (variable := section.env_of(spec)) in wrong
        ]


def _why(variable: str, spec: Field, shared: bool) -> str:
    why = "both buses read" if shared else "counts less than the URL"
    return (
        f"a process gets it as {variable}, which {why}:"
        f" write it into the URL alone, as '?{spec.dashed}=…'"
    )


def _id(setting: Setting) -> tuple[str, str]:
    return setting.section.flag, setting.spec.name


def _is_hidden(spec: Field) -> bool:
    """Whether it must not be among the words of a process, which all can see."""
    return spec.details.secret or spec.name in BUSES


def _key(section: Section, spec: Field) -> str:
    return f"{section.flag}{spec.name}".replace("-", "_")


def _texts(value: Any) -> list[str]:
    """Return a TOML value as one writes it on the command line."""
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _word(section: Section, spec: Field, text: str) -> str:
    flag = section.flag_of(spec)
    if spec.kind is not bool:
        return f"{flag}={text}"
    return flag if convert(spec, (text,)) else f"--no-{flag.removeprefix('--')}"
