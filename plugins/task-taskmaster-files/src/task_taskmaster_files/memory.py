"""Forgets what is gone for long, so that the store does not grow for ever."""

from datetime import datetime

from task_store.store import Store

from task_taskmaster_files.scanner import Scanner

RENEW = 15 * 86400.0
"""Seconds after which it is noted again that a file is there."""
FORGET = 45 * 86400.0
"""Seconds after that note when a file that is gone is forgotten: a month at least."""
AT_ONCE = 1000


def forget_gone(scanner: Scanner, store: Store, now: datetime) -> None:
    """Forget the versions that no listing has had for a month.

    A file that is gone for a while, as on a share that is not there, comes back as the
    same version, and is not told again.
    """
    rule = scanner.rule.key
    old = store.seen.older(rule, RENEW)
    if not old:
        return
    there = scanner.marks(now)
    if there is None:
        return
    listed = [it for it in old if scanner.mark(*it) in there]
    for begin in range(0, len(listed), AT_ONCE):
        store.seen.renew(rule, listed[begin : begin + AT_ONCE])
    gone = [
        it for it in store.seen.older(rule, FORGET) if scanner.mark(*it) not in there
    ]
    for begin in range(0, len(gone), AT_ONCE):
        store.seen.forget(rule, gone[begin : begin + AT_ONCE])
    scanner.forget(gone)
