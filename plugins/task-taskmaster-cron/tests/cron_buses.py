"""A bus that breaks, for tests of the taskmaster."""

from task_testing import RecordingBus

from task_core.api import SendError


class Breaking(RecordingBus):
    """Confirms some messages, then none."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def record(self, call, things=()):
        if call == "send" and len(self.sent) >= self.good:
            raise SendError("the broker is gone", [0])
        super().record(call, things)
