"""Hooks that let a task run once, and one of its kind at a time."""
