"""The commands status and top: what launchers and taskmasters are doing."""
