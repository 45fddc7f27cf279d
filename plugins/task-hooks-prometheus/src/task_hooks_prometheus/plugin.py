"""The manifest of the hooks prometheus."""

from task_core.api import HooksPlugin
from task_hooks_prometheus.options import PrometheusOptions

prometheus = HooksPlugin(
    name="prometheus",
    summary="Metrics for Prometheus, at /metrics of the --status address.",
    options=PrometheusOptions,
    make="task_hooks_prometheus.hooks:make",
)
