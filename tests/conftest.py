"""Settings of all tests."""

from hypothesis import settings

# A busy machine is no failure: rules about time have tests of their own.
settings.register_profile("task", deadline=None)
settings.load_profile("task")
