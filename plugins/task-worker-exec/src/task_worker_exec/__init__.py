"""The worker exec: any program, in any language, does the tasks."""
