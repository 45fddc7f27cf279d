"""The conformance kit: one set of rules that every bus, worker and taskmaster keeps.

Needs pytest (`pip install task-framework[testing]`).
"""

import pkgutil

import pytest

# Before they are imported: a rule that fails shows the values.
pytest.register_assert_rewrite(
    *(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
)
