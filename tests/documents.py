"""Runs the code blocks of a document as written.

`sh` blocks run in one shell directory per document, in order; `python` blocks are saved
when the text before them names a file, and run otherwise; a `json` block is what the
`sh` block before it prints, dates aside. A mark before a block (`<!-- nsq -->`) says
what it needs: such a block runs only where that is.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[\w-]+) -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NAMED_FILE = re.compile(r"`([\w/.-]+\.(?:py|toml|sh))`")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NONE: Mapping[str, str] = MappingProxyType({})


def run(code: str, folder: Path, environment: Mapping[str, str] = NONE) -> str:
    """Run shell code with the installed commands on the PATH; return its stdout."""
    more = environment.get("PATH", "")
    path = os.pathsep.join([more, str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {k: v for k, v in os.environ.items() if k != "TASK_PLUGINS_DISABLED"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env={**ours, **environment, "PATH": path.lstrip(os.pathsep)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def named_file(text_before: str) -> str | None:
    """Return the file name that the paragraph before a block gives it, if any."""
    paragraph = text_before.rstrip().rpartition("\n\n")[2]
    names = NAMED_FILE.findall(paragraph)
    return names[-1] if names and "ave" in paragraph else None


class Document:
    """Runs one document, block by block.

    Args:
        path: The document.
        folder: Where its blocks run.
        marks: What is here: blocks with other marks are left out.
        only_marked: Whether to leave out the blocks without a mark, too.
        replace: Names in the text -> what they are here.
        environment: More variables; its PATH comes before the others.
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        *,
        marks: Collection[str] = (),
        only_marked: bool = False,
        replace: Mapping[str, str] = NONE,
        environment: Mapping[str, str] = NONE,
    ) -> None:
        self.text = path.read_text()
        for name, here in replace.items():
            self.text = self.text.replace(name, here)
        self.folder = folder
        self.marks = marks
        self.only_marked = only_marked
        self.environment = environment
        self.printed = ""

    def run(self) -> int:
        """Run the blocks; return how many were run."""
        count, runs = 0, True
        for block in BLOCK.finditer(self.text):
            # The output shown for a block that is left out is left out with it.
            if block["mark"] or block["kind"] != "json":
                runs = self._is_due(block["mark"])
            if runs:
                getattr(self, f"run_{block['kind']}")(block)
                count += 1
        return count

    def _is_due(self, mark: str | None) -> bool:
        return mark in self.marks if mark else not self.only_marked

    def run_sh(self, block: re.Match[str]) -> None:
        """Run it in the document's directory."""
        self.printed = run(block["code"], self.folder, self.environment)

    def run_python(self, block: re.Match[str]) -> None:
        """Save it, or run it."""
        name = named_file(self.text[: block.start()])
        target = self.folder / (name or "block.py")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block["code"])
        if name is None:
            self.printed = run(f"{sys.executable} block.py", self.folder)

    def run_toml(self, block: re.Match[str]) -> None:
        """Save it, or at least read it."""
        tomllib.loads(block["code"])
        if name := named_file(self.text[: block.start()]):
            (self.folder / name).write_text(block["code"])

    def run_json(self, block: re.Match[str]) -> None:
        """Compare it with what the block before printed."""
        wanted = [json.loads(line) for line in undated(block["code"])]
        assert [json.loads(line) for line in undated(self.printed)] == wanted

    def run_text(self, block: re.Match[str]) -> None:
        """Nothing to run: it shows what a terminal shows."""


def undated(text: str) -> list[str]:
    """Return the lines with every date replaced by the same one."""
    return DATE.sub("2026-01-01T00:00:00Z", text).splitlines()
