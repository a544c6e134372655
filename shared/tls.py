"""TLS to Kafka, for the Python clients; librdkafka reads the same files itself."""

import ssl

from shared.settings import BrokerSettings


def ssl_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Certificates and host names are always checked."""
    context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)
    if settings.kafka_ssl_cert_file is not None:
        context.load_cert_chain(settings.kafka_ssl_cert_file, settings.kafka_ssl_key_file)
    return context
