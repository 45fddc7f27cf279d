"""What the tests of workflows share."""

import pytest
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("workflow", deadline=None)
settings.load_profile("workflow")


class Files:
    """A folder of workflow files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def write(self, text, name="shop.toml"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "flows")
