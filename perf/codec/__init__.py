"""What Avro costs without Kafka: encoding and decoding, by shape and by contender."""
