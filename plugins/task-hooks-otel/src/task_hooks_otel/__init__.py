"""Traces and metrics of tasks by OpenTelemetry; the SDK and the exporter are yours."""
