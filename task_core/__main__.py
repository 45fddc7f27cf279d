"""`python -m task_core` is the command `task`."""

from task_core.cli.main import main

main()
