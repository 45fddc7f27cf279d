"""A context for the tests of programs."""

import logging
import threading

from task_core.api import Task


class Ctx:
    """As much of a context as the worker needs."""

    def __init__(self, info="", cancel_after=None, grace_left=10.0):
        self.task = Task(type="exec", info=info)
        self.meta = {}
        self.grace_left = grace_left
        self.log = logging.getLogger("test")
        self.cancel = threading.Event()
        if cancel_after is not None:
            timer = threading.Timer(cancel_after, self.cancel.set)
            timer.daemon = True
            timer.start()

    @property
    def cancelled(self):
        return self.cancel.is_set()

    def wait(self, seconds):
        return self.cancel.wait(seconds)
