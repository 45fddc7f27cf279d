"""Tables of the TOML file become words for `task launch`."""

import attrs
import pytest

from task_core.builtin import PLUGINS
from task_core.cli.launches import Launches
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError
from task_core.options import option


@attrs.frozen(kw_only=True)
class Own:
    """What the command has beside the flags."""

    instances: int = option(1, help="Processes.")


@pytest.fixture
def read(tmp_path):
    """Read one table `[up.one]`."""

    def read(text):
        file = tmp_path / "task.toml"
        file.write_text(f'[launch]\nbus = "memory"\n[up.one]\n{text}\n')
        catalog = Catalog.scan(PLUGINS)
        (launch,) = Launches(catalog, "up", Own, str(file)).read()
        assert launch.words[:3] == ("launch", "--config", str(file))
        return launch

    return read


def test_keys_are_flags_of_the_launch_and_of_what_it_selects(read):
    """Switches and lists as they are written."""
    launch = read(
        'worker = "nop"\nconcurrency = 2\nkill-time = "3s"\ndrain = true\n'
        'fail = false\nhooks = ["a.py", "b.py"]\nworker_dur = "5ms"\ninstances = 3'
    )
    assert set(launch.words[3:]) == {
        *("--worker=nop", "--concurrency=2", "--kill-time=3s", "--drain", "--no-fail"),
        *("--hooks=a.py", "--hooks=b.py", "--worker-dur=5ms"),
    }
    assert (launch.own.instances, launch.kill_time) == (3, 3.0)
    assert launch.buses == ["memory"]


def test_the_url_of_a_bus_goes_by_the_environment(read):
    """It may hold a password, and lists of processes are for everybody."""
    launch = read('worker = "nop"\nbus = "file:x.json"\nbus_follow = true')
    assert launch.environment == {"TASK_LAUNCH_BUS": "file:x.json"}
    assert "x.json" not in " ".join(launch.words)
    assert launch.words[-1] == "--bus-follow"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('worker = "nop"\nworker_dur = "long"', "line 5: worker_dur: "),
        ('worker = "nop"\nworker_durr = "1s"', "did you mean 'worker_dur'"),
        ('worker = "nop"\ntaskmaster = "./x.py:y"', "line 3: "),
        ('worker = "nop"\nconcurrency = "many"', "line 5: concurrency: "),
        ("worker = 1", "line 3: "),
        ('worker = "nop"\nhooks = [1]\nlease = {}', "lease"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, text, said):
    """Before anything starts."""
    with pytest.raises(OptionError, match=said):
        read(text)
