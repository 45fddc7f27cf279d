"""Finds the store that a URL names."""

from urllib.parse import unquote

from task_hooks_once.store import Store, StoreError


def open_store(url: str) -> Store:
    """Return a store; it connects when it is first used.

    Raises:
        StoreError: What it needs is not installed.
    """
    # The others need client libraries that not everybody has.
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        from task_hooks_once.sqlite_store import SqliteStore

        return SqliteStore(unquote(url.removeprefix("sqlite:").removeprefix("//")))
    extra = "redis" if scheme.startswith("redis") else "postgres"
    try:
        if extra == "redis":
            from task_hooks_once.redis_store import RedisStore

            return RedisStore(url)
        from task_hooks_once.postgres_store import PostgresStore

        return PostgresStore(url)
    except ImportError as error:
        text = f"a store {scheme}: needs more: pip install 'task-hooks-once[{extra}]'"
        raise StoreError(f"{text} ({error})") from None
