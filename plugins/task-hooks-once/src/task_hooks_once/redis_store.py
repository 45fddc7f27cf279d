"""Records in Redis: for many machines."""

import json
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from task_hooks_once.store import Record, StoreError

PREFIX = "task-once:"
SECONDS = 5.0
"""How long one call may take."""
# Each is one step for Redis: nobody else comes between the look and the change.
PUT = """
local old = redis.call('GET', KEYS[1])
if not old or cjson.decode(old)[1] == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
"""
RENEW = """
for _, key in ipairs(KEYS) do
  local old = redis.call('GET', key)
  if old then
    local record = cjson.decode(old)
    if record[1] == ARGV[1] and not record[3] then
      redis.call('PEXPIRE', key, ARGV[2])
    end
  end
end
"""
DROP = """
local old = redis.call('GET', KEYS[1])
if old and cjson.decode(old)[1] == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisStore:
    """Records as keys that expire.

    No call is repeated: when its first answer is lost, what was taken seems another's.

    Args:
        url: As the client library takes it: `redis://…`, `rediss://…`.

    Raises:
        StoreError: It is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                socket_timeout=SECONDS,
                socket_connect_timeout=SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"the URL of the store is none for Redis: {error}"
            ) from None

    def take(self, key: str, record: Record, seconds: float) -> Record | None:
        """Write a record where there is none; return the one that is there."""
        name = PREFIX + key
        while not self._do("set", name, _text(record), nx=True, px=_milli(seconds)):
            if found := self._do("get", name):
                return Record(*json.loads(found))
        return None

    def put(self, key: str, record: Record, seconds: float) -> None:
        """Write a record, unless there is one of another owner."""
        values = (record.owner, _text(record), _milli(seconds))
        self._do("eval", PUT, 1, PREFIX + key, *values)

    def renew(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Keep an owner's records for so long from now."""
        named = [PREFIX + key for key in keys]
        self._do("eval", RENEW, len(named), *named, owner, _milli(seconds))

    def drop(self, key: str, owner: str) -> None:
        """Forget an owner's record."""
        self._do("eval", DROP, 1, PREFIX + key, owner)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _do(self, verb: str, *values: Any, **more: Any) -> Any:
        try:
            return getattr(self._client, verb)(*values, **more)
        except redis.RedisError as error:
            raise StoreError(f"the store Redis cannot be used: {error}") from error


def _text(record: Record) -> str:
    return json.dumps([record.owner, record.id, record.done])


def _milli(seconds: float) -> int:
    return max(1, int(seconds * 1000))
