"""The bus `nats`."""
