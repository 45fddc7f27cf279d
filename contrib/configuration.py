"""Write docs/configuration.md: every option of the command line, and what sets it.

python contrib/configuration.py             # write the page
python contrib/configuration.py --check     # compare
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from task_core.api import NoOptions
from task_core.builtin import PLUGINS
from task_core.cli import command_options as commands
from task_core.cli.launch_options import SECTION as LAUNCH
from task_core.config.selection import COMMON_SECTION
from task_core.config.sources import Section

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
HEAD = """\
# Options, and where they are set

Made by `contrib/configuration.py` from the code. `task config show` prints what is in
force, and where each value comes from.

An option is set, the strongest first, by

1. its flag: `--concurrency 4`, `--bus-follow`;
2. the URL behind `--bus` or `--worker`: `--bus 'file://tasks.json?follow=true'`;
3. its environment variable: `TASK_LAUNCH_CONCURRENCY=4` (empty is not set);
4. the TOML file, `./task.toml` or the one that `--config` or `TASK_CONFIG` names;
5. for `task launch`, what the worker declares: `@worker(retries=3)`;
6. its default.

Some rules hold everywhere. A **duration** has a unit and is not negative: `90s`,
`1m30s`, `500ms`, `24h` (there is none for days); an info string may say `-24h` as well.
A **list** is separated by commas, or a TOML array. A **switch** is `true`, `yes`, `on`,
`1` or their opposites, and `--no-…` as a flag. A key or a table that nobody reads is an
error that names the nearest; so is a variable that is nearly called as one of these.
One file serves many machines: a table of a plugin that is not used here (`[worker.…]`,
`[bus.…]`) is let through, unless its name is nearly that of a bus. A warning is a table
of hooks that are not installed, since nothing does what it says, and one that is nearly
called as a worker or taskmaster that is (`[taskmaster.corn]`).

A password in a URL has its special characters percent-encoded: `%2F` for `/`, `%40`
for `@`.

## For all commands: `[task]`

What `[task]` or its variable says holds for every command whose own table and
variable do not say otherwise. Of the bus, `[launch]` is asked last: a bus that is set
for `task launch` is that of `task tail` as well.

"""
OTHERS = """\
Variables without a table:

| variable | meaning |
|---|---|
| `TASK_CONFIG` | The TOML file, in place of `./task.toml`. |
| `TASK_DEBUG` | Anything but `0` adds the traceback to errors, as `--debug` does. |
| `TASK_INSTANCE` | Set for each launcher of `task launch -n`: its number, from 1 on. |
| `TASK_PLUGINS` | `none`, or the distributions to see, by commas. |
| `TASK_PLUGINS_DISABLED` | Distributions not to see, by commas. |
| `NO_COLOR` | Anything switches colours off. |

"""
FOOT = """\
## `task up`

Each table `[up.NAME]` is a `task launch` of its own: its keys are those of `[launch]`,
those of the plugins that it selects with their prefix (`worker_…`, `taskmaster_…`,
`bus_…`), and two of its own, `instances` and `restart` ([pipelines.md](pipelines.md)).

## Commands of plugins

The flags of a command that a plugin brings have a table and variables, too: `--count`
of `task bench` is `count` under `[bench]`, and `TASK_BENCH_COUNT`. Those of a command
within it have a table in this one: `[files.check]`, `TASK_FILES_CHECK_…`.

## Plugins

The options of a plugin have its name in theirs: `max_attempts` of the bus `nsq` is
`--bus-max-attempts`, `TASK_BUS_NSQ_MAX_ATTEMPTS`, `max_attempts` under `[bus.nsq]`,
or `nsq://…?max_attempts=`; of a worker `load` it is `--worker-…`,
`TASK_WORKER_LOAD_…`, `[worker.load]`. With `--in-bus` and `--out-bus` the flags are
`--in-bus-…` and `--out-bus-…`. `task plugins show bus nsq` lists them all. Those of
the core's own:

"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, _table(COMMON_SECTION), OTHERS]
    sections = [
        LAUNCH,
        commands.SEND,
        commands.TAIL,
        commands.TOPICS,
        commands.DEAD,
    ]
    for section in sections:
        parts += [f"## `task {section.table[0]}`\n\n", _table(section)]
    return "".join([*parts, FOOT, *_plugins()]).rstrip() + "\n"


def _plugins() -> Iterator[str]:
    for kind, plugins in PLUGINS.items():
        for name, place in sorted(plugins.items()):
            module, _, attribute = place.partition(":")
            manifest = getattr(import_module(module), attribute)
            if manifest.options is NoOptions:
                continue
            section = Section(
                options=manifest.options, table=(kind, name), flag=f"{kind}-"
            )
            if section.specs:
                yield f"### {kind} `{name}`\n\n{_table(section)}"


def _table(section: Section) -> str:
    key = f"key under `[{'.'.join(section.table)}]`"
    lines = [
        f"| {key} | variable | flag | value | default | |",
        "|---|---|---|---|---|---|",
    ]
    for spec in section.specs:
        default = "required" if spec.required else spec.show(spec.default)
        flag = f"`{section.flag_of(spec)}`" if section is not COMMON_SECTION else ""
        cells = (
            f"`{spec.name}`",
            f"`{section.env_of(spec)}`",
            flag,
            f"{spec.metavar}{',…' if spec.multiple else ''}".replace("|", "\\|"),
            f"`{default}`" if default else "",
            spec.details.help,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
