"""`make kafka`: run an Apache Kafka until interrupted; its address is the first line on standard output."""

import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kafka.apache import ApacheKafka


def main() -> None:
    """Data live in a temporary folder and go with the broker."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="kafka-") as folder, ApacheKafka(Path(folder)) as kafka:
        sys.stdout.write(f"{kafka.address}\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            kafka.stop()


if __name__ == "__main__":
    main()
