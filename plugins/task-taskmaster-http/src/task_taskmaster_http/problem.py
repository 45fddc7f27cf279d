"""What is wrong with a request: a status, and one line that says what to do."""

from collections.abc import Mapping


class RequestError(Exception):
    """A request that is not done.

    Args:
        status: The HTTP status.
        text: What is wrong, in one line.
        headers: More headers of the answer.
    """

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = dict(headers or {})


def try_again(text: str, seconds: int = 1) -> RequestError:
    """Return the answer to who may come again: nothing was sent, or nobody knows."""
    return RequestError(503, text, {"Retry-After": str(seconds)})
