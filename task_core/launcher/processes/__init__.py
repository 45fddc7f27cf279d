"""Slots that are child processes: the parent's side and the child's."""
