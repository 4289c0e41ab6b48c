"""Topic to family, tier, Kafka topic and partition; patterns. Pure: no clock, no chance, no network."""
