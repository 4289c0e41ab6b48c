"""How the bus reaches Kafka: the promise (`base`), the real thing (`kafka`), and one in memory for tests."""
