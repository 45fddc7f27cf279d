"""What may stand behind the `?` of an address."""

from collections.abc import Collection

from starlette.requests import Request
from task_rules.names import nearest

from task_taskmaster_http.bodies import check_topic
from task_taskmaster_http.problem import RequestError


def check_query(request: Request, known: Collection[str]) -> None:
    """Refuse keys that nobody reads: one that is misspelt would do something else.

    Args:
        request: Whose address it is.
        known: The keys that the address takes.

    Raises:
        RequestError: There is another one, or one of them twice.
    """
    if not request.scope["query_string"]:
        return
    seen = set[str]()
    for key, _ in request.query_params.multi_items():
        if key not in known:
            text = f"unknown key '{key}' in the address{nearest(key, known)}"
            raise RequestError(422, text)
        if key in seen:
            raise RequestError(422, f"the key '{key}' is twice in the address")
        seen.add(key)


def topic_of(request: Request) -> str:
    """Return the topic that an address names; nothing when it names none.

    Raises:
        RequestError: It is none.
    """
    topic: str = ""
    if request.scope["query_string"]:
        topic = request.query_params.get("topic", "")
    try:
        return check_topic(topic) if topic else ""
    except ValueError as error:
        raise RequestError(422, f"topic '{topic}': {error}") from None
