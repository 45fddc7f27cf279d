"""The bus postgres: tasks in tables of PostgreSQL, settled in one statement."""
