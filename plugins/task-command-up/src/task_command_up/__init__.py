"""The command up: every worker and taskmaster of one file, each a process."""
