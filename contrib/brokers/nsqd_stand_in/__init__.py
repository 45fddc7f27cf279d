"""A small nsqd and nsqlookupd for tests, where the real ones cannot be had.

Written from the published protocol specification. A test tool: no wheel contains it.
"""
