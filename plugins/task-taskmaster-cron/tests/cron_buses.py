"""Buses that do not send all, for tests of the taskmaster."""

from task_testing import RecordingBus

from task_core.api import PayloadError, SendError


class Breaking(RecordingBus):
    """Confirms some messages, then none."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def record(self, call, things=()):
        if call == "send" and len(self.sent) >= self.good:
            raise SendError("the broker is gone", [0])
        super().record(call, things)


class Picky(RecordingBus):
    """Refuses topics with a space in them, as NSQ does."""

    def record(self, call, things=()):
        if call == "send":
            bad = [at for at, it in enumerate(things) if " " in it.topic]
            if bad:
                raise PayloadError(f"{things[bad[0]].topic!r} is no topic", bad)
        super().record(call, things)
