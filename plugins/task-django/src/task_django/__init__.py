"""Django's tasks over any bus; settings name `task_django.backend.TaskBackend`."""
