"""Every code block of README and docs runs as written.

Blocks that need a broker run where there is one: `contrib/brokers/docs`.
"""

import re
import shutil
from pathlib import Path

import pytest
from documents import BLOCK, ROOT, Document, run

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES_WITHOUT_CODE = {
    "architecture.md",
    "capabilities.md",
    "configuration.md",
    "performance.md",
    "words.md",
}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_runs_as_written(path: Path, tmp_path: Path) -> None:
    """What a reader types works, in the order of the text."""
    ran = Document(path, tmp_path).run()
    assert ran > 0 or path.name in PAGES_WITHOUT_CODE, f"{path.name} has no code block"


def test_every_decision_is_in_the_list():
    """With its title, in order."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("0*.md"))
    titles = [page.read_text().partition("\n")[0].split(maxsplit=2) for page in pages]
    assert re.findall(r"^- .*$", (folder / "README.md").read_text(), re.MULTILINE) == [
        f"- [{number}]({page.name}) {title}"
        for page, (_, number, title) in zip(pages, titles, strict=True)
    ]


def test_every_page_is_in_the_readme():
    """Who does not know of a page cannot read it."""
    text = (ROOT / "README.md").read_text()
    pages = [page.name for page in (ROOT / "docs").glob("*.md")]
    assert [name for name in pages if f"](docs/{name})" not in text] == []


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
