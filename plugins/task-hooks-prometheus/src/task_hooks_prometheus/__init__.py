"""Metrics for Prometheus: counted in the bus thread, served at /metrics."""
