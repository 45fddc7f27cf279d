"""A taskmaster that sends failed tasks again, later, by rules."""
