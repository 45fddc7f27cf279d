"""The manifest of the hooks once."""

from task_core.api import HooksPlugin
from task_hooks_once.options import OnceOptions

once = HooksPlugin(
    name="once",
    summary="Run a task once, one of its kind at a time; send it once.",
    options=OnceOptions,
    make="task_hooks_once.once:make",
)
