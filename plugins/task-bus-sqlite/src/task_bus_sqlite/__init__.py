"""The bus sqlite: tasks in one file, for all processes of one machine."""
