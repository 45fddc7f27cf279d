"""Opening a database of tasks: whose it is, what it is set to, how it is migrated."""

from task_bus_sqlite.errors import refused
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.schema import APPLICATION_ID, LADDER, VERSION

_LAYOUT = (
    # A commit writes whole pages, and most change a few bytes: small ones, but each
    # takes its time as well.
    "PRAGMA page_size = 2048",
    # What is free goes back to the system, some pages at a time (see `tidying`).
    "PRAGMA auto_vacuum = INCREMENTAL",
)
_SETTINGS = (
    "PRAGMA secure_delete = OFF",
    # Queues rewrite the same few pages: a longer log saves copies and syncs.
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)


def open_file(
    path: str, sync: str, patience: float, *, create: bool = True
) -> SqliteFile:
    """Open a database of tasks, make it when missing, migrate it when older.

    Args:
        path: Where it is.
        sync: What a commit waits for: `normal` or `full`.
        patience: Seconds to wait for a lock before giving up.
        create: Make it when missing.

    Raises:
        BusConnectionError: Another program holds it locked, or the disk is full.
        BusError: It is not ours, newer than we are, corrupt, read-only or no file.
    """
    return SqliteFile(path, patience, lambda file: _set_up(file, sync), create=create)


def _set_up(file: SqliteFile, sync: str) -> None:
    if not _version(file):
        _set(file, *_LAYOUT)
    if file.read("PRAGMA journal_mode = WAL")[0] != "wal":
        reason = "no write-ahead log is possible there; use a local disk"
        raise refused(file.path, reason)
    _set(file, f"PRAGMA synchronous = {sync}", *_SETTINGS)
    if _version(file) < VERSION:
        _migrate(file)


def _migrate(file: SqliteFile) -> None:
    """Climb the ladder; when two processes do, the second finds nothing to do."""
    with file.transaction:
        for step in LADDER[_version(file) :]:
            for statement in step:
                file.execute(statement)
        _set(
            file,
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {VERSION}",
        )


def _set(file: SqliteFile, *settings: str) -> None:
    for setting in settings:
        file.rows(setting)


def _version(file: SqliteFile) -> int:
    """Return the version of a file, 0 for an empty one; refuse what is not ours."""
    application, version, tables = file.read(
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_master)"
    )
    if application != APPLICATION_ID and (application or version or tables):
        reason = "it belongs to another program; name another file"
        raise refused(file.path, reason)
    if version > VERSION:
        reason = (
            f"a newer task wrote it (format {version}, this one reads up to"
            f" {VERSION}); upgrade task-framework"
        )
        raise refused(file.path, reason)
    return int(version)
