"""The bus that `docs/buses.md` shows keeps the contract, as it stands there."""

import itertools
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from documents import BLOCK, ROOT, named_file
from task_testing import Backdoor, BusContract

from task_core.api import BusError, Message

NAME = "folder_bus"
numbers = itertools.count(1)


def example():
    """Return the text of the module."""
    text = (ROOT / "docs" / "buses.md").read_text()
    blocks = BLOCK.finditer(text)
    return next(
        block["code"]
        for block in blocks
        if named_file(text[: block.start()]) == f"{NAME}.py"
    )


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """What a reader has after saving it."""
    file = tmp_path_factory.mktemp("example") / f"{NAME}.py"
    file.write_text(example())
    spec = spec_from_file_location(NAME, file)
    sys.modules[NAME] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[NAME])
    sys.path.insert(0, str(file.parent))  # processes of the kit import it
    yield sys.modules[NAME]
    sys.path.remove(str(file.parent))
    del sys.modules[NAME]


def test_the_example_is_short():
    """What a bus must bring, and little else."""
    lines = [line for line in example().splitlines() if line.strip()]
    assert len(lines) <= 66


def test_its_package_is_one_that_the_doctor_praises():
    """P12 wants a bound of the core: the next major version may be another one."""
    text = (ROOT / "docs" / "buses.md").read_text()
    (project,) = (b["code"] for b in BLOCK.finditer(text) if "folder-bus" in b["code"])
    (required,) = tomllib.loads(project)["project"]["dependencies"]
    assert required.startswith("task-framework")
    assert "<" in required


def test_what_the_system_refuses_is_an_error_of_the_bus(module, tmp_path):
    """As the page asks of every hook: no traceback for a place that cannot be."""
    (tmp_path / "file").touch()
    bus = module.FolderBus(tmp_path / "file")
    for use in (
        lambda: bus.subscribe("load", "load"),
        lambda: bus.producer().prepare(["load"]),
        lambda: bus.producer().send([Message("load", b"1")]),
    ):
        with pytest.raises(BusError, match="bus 'folder': cannot make a topic: "):
            use()
    bus.close()


class FolderBackdoor(Backdoor):
    """Reads and writes the files.

    Args:
        root: Where the topics are.
    """

    broker = "folders"

    def __init__(self, root):
        self.root = root

    def put(self, topic, bodies):
        folder = self.root / topic
        folder.mkdir(parents=True, exist_ok=True)
        for body in bodies:
            (self.root / "new").write_bytes(body)
            (self.root / "new").rename(folder / f"{next(numbers):09}")

    def take(self, topic):
        return [file.read_bytes() for file in sorted((self.root / topic).glob("*"))]

    def bad_topic(self):
        return "../up"


class TestFolder(BusContract):
    @pytest.fixture
    def plugin(self, module):
        return module.plugin

    @pytest.fixture
    def options(self, module, tmp_path):
        return module.Options(root=tmp_path)

    @pytest.fixture
    def backdoor(self, tmp_path):
        return FolderBackdoor(tmp_path)
