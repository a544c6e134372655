"""A real Apache Kafka for tests, and the choice of one. `python -m tests.kafka` runs one until it is interrupted."""
