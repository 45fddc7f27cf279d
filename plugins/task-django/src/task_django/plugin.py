"""The manifest of the worker django."""

import attrs

from task_core.api import RunDefaults, WorkerPlugin, option


@attrs.frozen(kw_only=True, eq=False)
class DjangoOptions:
    """Which project."""

    settings: str | None = option(
        None, help="Module of its settings; DJANGO_SETTINGS_MODULE when not given."
    )


django = WorkerPlugin(
    name="django",
    summary="Runs the tasks of a Django project.",
    options=DjangoOptions,
    make="task_django.worker:make",
    defaults=RunDefaults(topic="default"),
)
