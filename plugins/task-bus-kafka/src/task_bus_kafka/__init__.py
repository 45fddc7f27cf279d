"""The bus `kafka`: carries tasks over Apache Kafka."""
