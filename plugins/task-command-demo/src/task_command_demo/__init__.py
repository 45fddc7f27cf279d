"""The command demo: ten seconds that show what the framework does."""
