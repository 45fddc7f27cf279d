"""The worker: runs what a Django project has enqueued."""

import os
import socket
import sys
from collections.abc import Callable

import django
from django.core.exceptions import ImproperlyConfigured

from task_core.api import Outcome, Task, UsageError, WorkerContext
from task_django.plugin import DjangoOptions


def make(options: DjangoOptions) -> Callable[[Task, WorkerContext], Outcome]:
    """Set the project up, and return what runs its tasks.

    Raises:
        UsageError: It has no settings, or they are wrong.
    """
    if options.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = options.settings
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as manage.py has it
    try:
        django.setup()
    except (ImproperlyConfigured, ImportError) as error:
        raise UsageError(f"the Django project cannot be set up: {error}") from error
    from task_django.runs import Runs  # it needs the settings

    return Runs(f"{socket.gethostname()}:{os.getpid()}").run
