"""The bus `memory` keeps the contract."""

import uuid

import pytest
from backdoors import MemoryBackdoor

from task_core.builtin import buses
from task_core.builtin.bus_options import MemoryOptions
from task_core.testing import BusContract


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
