"""What the tests of task-rules share."""

from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("rules", deadline=None)
settings.load_profile("rules")
