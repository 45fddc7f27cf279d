"""Real brokers for tests: started on loopback, without containers."""
