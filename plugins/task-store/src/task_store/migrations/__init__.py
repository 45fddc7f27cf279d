"""The steps from every older form of the tables to this one, as Alembic takes them."""
