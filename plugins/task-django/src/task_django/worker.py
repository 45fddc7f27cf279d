"""The worker: runs what a Django project has enqueued."""

import os
import socket
import sys
import sysconfig
import traceback
from collections.abc import Callable
from types import FrameType

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from task_core.api import Outcome, Task, UsageError, WorkerContext, failed
from task_django.plugin import DjangoOptions

_PYTHON = tuple(sysconfig.get_path(it) + os.sep for it in ("stdlib", "platstdlib"))
"""Folders of Python itself."""
_LIBRARIES = ("site-packages", "dist-packages")
"""Folders of what is installed."""


def make(options: DjangoOptions) -> Callable[[Task, WorkerContext], Outcome]:
    """Set the project up, and return what runs its tasks.

    Raises:
        UsageError: It has no settings, or something in the project is wrong.
    """
    if options.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = options.settings
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as manage.py has it
    cannot = "the Django project cannot be set up"
    if not (settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE")):
        advice = "name their module, as in --worker-settings shop.settings"
        raise UsageError(f"{cannot}: it has no settings: {advice}")
    try:
        django.setup()
    except (Exception, SystemExit) as error:  # whatever the project does at its start
        raise UsageError(f"{cannot}: {_told(error)}") from error
    from task_django.runs import Runs  # it needs the settings

    return Runs(f"{socket.gethostname()}:{os.getpid()}").run


def _told(error: BaseException) -> str:
    """Say what is wrong in a project, and where."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    known = isinstance(error, ImproperlyConfigured | ImportError)
    text = str(error) if known else failed(error).msg
    frames = traceback.walk_tb(error.__traceback__)
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in frames
        if _is_of_project(frame)
    ]
    return f"{text} ({places[-1]})" if places else text


def _is_of_project(frame: FrameType) -> bool:
    """Whether it is neither ours nor of a library."""
    file, module = frame.f_code.co_filename, frame.f_globals.get("__name__", "")
    if module.partition(".")[0] in (__name__.partition(".")[0], "django"):
        return False
    installed = any(it in file.split(os.sep) for it in _LIBRARIES)
    return not (installed or file.startswith(("<", *_PYTHON)))
