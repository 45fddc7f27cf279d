"""A taskmaster that sends tasks for files: each version of each file once."""
