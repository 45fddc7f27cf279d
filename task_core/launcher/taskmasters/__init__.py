"""Runs taskmasters: each loop with a thread, a bus and a context of its own."""
