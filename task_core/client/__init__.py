"""Sending, calling and reading from any Python program; see `task_core.connect`."""
