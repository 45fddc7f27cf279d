"""The buses and workers that come with the core, shaped like any plugin."""
