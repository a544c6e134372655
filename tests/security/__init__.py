"""An Apache Kafka that checks certificates, passwords and rights, and what each service may do there."""
