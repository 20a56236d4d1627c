"""The store of the service: SQLite or Postgres through SQLAlchemy."""
