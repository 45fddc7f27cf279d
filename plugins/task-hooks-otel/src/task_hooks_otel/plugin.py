"""The manifest of the hooks otel."""

import attrs

from task_core.api import HooksPlugin, option


@attrs.frozen(kw_only=True)
class OtelOptions:
    """The options of `[hooks.otel]`."""

    spans: bool = option(True, help="Make spans.")
    metrics: bool = option(True, help="Measure and count.")


otel = HooksPlugin(
    name="otel",
    summary="Traces and metrics of tasks by OpenTelemetry.",
    options=OtelOptions,
    make="task_hooks_otel.hooks:make",
)
