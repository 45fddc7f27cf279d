"""The core's own buses keep the contract."""

import uuid

import pytest
from backdoors import (
    FileBackdoor,
    MemoryBackdoor,
    NopBackdoor,
    PipeBackdoor,
)
from task_testing import BusContract

from task_core.api.plugin import NoOptions
from task_core.builtin import buses, streams
from task_core.builtin.bus_options import (
    FileOptions,
    MemoryOptions,
    NopOptions,
)


class TestMemory(BusContract):
    @pytest.fixture
    def plugin(self):
        return buses.memory

    @pytest.fixture
    def options(self):
        return MemoryOptions(name=uuid.uuid4().hex)

    @pytest.fixture
    def backdoor(self, options):
        return MemoryBackdoor(options.name)


class TestFile(BusContract):
    @pytest.fixture
    def plugin(self):
        return buses.file

    @pytest.fixture
    def options(self):
        return FileOptions()

    @pytest.fixture
    def backdoor(self, tmp_path):
        return FileBackdoor(tmp_path)


class TestFollowedFile(TestFile):
    label = "follow"

    @pytest.fixture
    def options(self):
        return FileOptions(follow=True)


class TestStdio(BusContract):
    @pytest.fixture
    def plugin(self):
        return streams.stdio

    @pytest.fixture
    def options(self):
        return NoOptions()

    @pytest.fixture
    def backdoor(self):
        backdoor = PipeBackdoor()
        yield backdoor
        backdoor.close()


class TestNop(BusContract):
    @pytest.fixture
    def plugin(self, backdoor):
        return backdoor.plugin

    @pytest.fixture
    def options(self):
        return NopOptions()

    @pytest.fixture
    def backdoor(self):
        return NopBackdoor(buses.nop)
