"""Starting what may not be there."""

import os

import pytest
from brokers.process import BrokerMissingError


def insist(start):
    """Start something; skip, or fail where it must be there."""
    try:
        return start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))
