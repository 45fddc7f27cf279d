"""The bus redis: tasks over Redis or Valkey streams, settled atomically."""
