"""Every code block of README and docs runs as written.

`sh` blocks run in one shell directory per document, in order; `python` blocks are saved
when the text before them names a file, and run otherwise; a `json` block is what the
`sh` block before it prints, dates aside.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[\w-]+) -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NAMED_FILE = re.compile(r"`([\w/.-]+\.(?:py|toml|sh))`")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CHECKOUT_MARKS = ("first-command", "test-command")


def run(code: str, folder: Path) -> str:
    """Run shell code with the installed commands on the PATH; return its stdout."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env={**os.environ, "PATH": path},
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
    """Runs one document, block by block."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.text = path.read_text()
        self.folder = folder
        self.printed = ""

    def run(self) -> int:
        """Run all blocks; return how many there are."""
        blocks = list(BLOCK.finditer(self.text))
        in_checkout = False
        for block in blocks:
            # Such a block, and the output shown for it, has a test of its own.
            in_checkout = block["mark"] in CHECKOUT_MARKS or (
                in_checkout and block["kind"] == "json"
            )
            if not in_checkout:
                getattr(self, f"run_{block['kind']}")(block)
        return len(blocks)

    def run_sh(self, block: re.Match[str]) -> None:
        """Run it in the document's directory."""
        self.printed = run(block["code"], self.folder)

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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_runs_as_written(path: Path, tmp_path: Path) -> None:
    """What a reader types works, in the order of the text."""
    assert Document(path, tmp_path).run() > 0, f"{path.name} has no code block"


def test_first_command_works_in_a_checkout(tmp_path: Path) -> None:
    """The README's first command does real work in a copy of the repository."""
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv", ".nox", "*cache*", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignored)
    text = (ROOT / "README.md").read_text()
    blocks = list(BLOCK.finditer(text))
    first = next(
        i for i, block in enumerate(blocks) if block["mark"] == "first-command"
    )
    printed = run(blocks[first]["code"], copy)
    assert "complete" in printed
    assert "no tasks were lost" in printed
