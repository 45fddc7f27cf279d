"""The buses and workers that come with the core, shaped like any plugin."""

_STREAMS = ("stdio", "stdin", "stdout", "stderr", "null")

PLUGINS = {
    "bus": {
        **{name: f"task_core.builtin.streams:{name}" for name in _STREAMS},
        **{
            name: f"task_core.builtin.buses:{name}"
            for name in ("file", "memory", "nop")
        },
    },
    "worker": {name: f"task_core.builtin.workers:{name}" for name in ("echo", "nop")},
}
"""Where their manifests are, by kind and name: an entrance puts them in its catalog."""
