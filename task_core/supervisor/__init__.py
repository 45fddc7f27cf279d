"""Runs `task launch` as processes: starts them again, renews them, outlives them."""
