"""Every distribution brings what its users and its index look for."""

import re
import tomllib

import pytest
from architecture.source import ROOT

from task_core.discovery.explain import BESIDE, SHIPPED

FOLDERS = [ROOT, *sorted((ROOT / "plugins").iterdir())]
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def shown(folder):
    return folder.name if folder != ROOT else "task-framework"


@pytest.fixture(params=FOLDERS, ids=shown)
def folder(request):
    return request.param


@pytest.fixture
def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]


def test_a_distribution_is_called_as_its_folder(folder, project):
    """Others look for it by that name."""
    assert project["name"] == shown(folder)


def test_a_distribution_brings_its_licence(folder, project):
    """In the wheel too, where the one of the repository is not seen."""
    assert project["license-files"] == ["LICENSE"]
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_distribution_says_where_it_comes_from(project):
    """An index shows these links beside it."""
    assert {"Source", "Documentation", "Changelog", "Issues"} <= project["urls"].keys()


def test_a_distribution_has_a_readme_and_tests(folder, project):
    """What CI runs, it runs for each."""
    assert (folder / project["readme"]).stat().st_size > 200
    assert list((folder / "tests").rglob("test_*.py"))


def test_what_is_new_in_a_distribution_reaches_the_changelog(folder):
    """A fragment in a folder that nobody reads would be lost."""
    where = (folder / "changelog.d").relative_to(ROOT).as_posix()
    read = {it["path"] for it in CORE["tool"]["towncrier"]["section"]}
    assert where in read
    kinds = "|".join(it["directory"] for it in CORE["tool"]["towncrier"]["type"])
    for fragment in (folder / "changelog.d").iterdir():
        if fragment.name != "README.md":
            assert re.fullmatch(rf"[^.]+\.({kinds})(\.\d+)?\.md", fragment.name)


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda it: it.name
)
def test_a_decision_has_its_number_a_date_and_a_status_and_fits_a_page(page):
    """Readers see at once whether it still holds."""
    lines = page.read_text("utf-8").splitlines()
    assert lines[0].startswith(f"# {page.name[:3]} ")
    assert re.match(r"\d{4}-\d\d-\d\d, (accepted|overruled on .* by )", lines[2])
    assert len(lines) <= 60


def test_no_two_decisions_share_a_number():
    """They are named by it."""
    pages = [it.name[:3] for it in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert len(set(pages)) == len(pages)


def needs(name):
    """Return the project's distributions that one of them needs, with itself."""
    file = ROOT / "plugins" / name / "pyproject.toml"
    pins = tomllib.loads(file.read_text("utf-8"))["project"]["dependencies"]
    found = {name}
    for pin in pins:
        other = re.split("[^a-z-]", pin)[0]
        if (ROOT / "plugins" / other).is_dir():
            found |= needs(other)
    return found


def test_a_checkout_installs_what_the_extra_of_most_people_does():
    """The README's first command reads this file, and needs no index for ours."""
    text = (ROOT / "contrib" / "standard.txt").read_text()
    listed = {line for line in text.splitlines() if line.startswith("./plugins/")}
    pins = CORE["project"]["optional-dependencies"]["standard"]
    wanted = set().union(*(needs(re.split("[^a-z-]", pin)[0]) for pin in pins))
    assert listed == {f"./plugins/{name}" for name in wanted}


def test_who_installs_from_a_checkout_is_told_all_that_it_takes():
    """No index has ours: what a plugin needs of the others must be named."""
    for name in set(SHIPPED.values()):
        assert {*BESIDE.get(name, ()), name} == needs(name)
