"""Settings of the broker, read from the environment (`STANCE_...`) by `__main__` alone."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import PermanentError
from shared.topics import Topic

CLIENT_ID: Final = "stancewatch"
"""How all our clients call themselves to Kafka."""


class BrokerSettings(BaseSettings):
    """How Kafka is reached. Without an address an embedded broker runs in `data_dir`."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="Folder of the embedded broker and of local stores.")
    kafka_bootstrap_servers: str = Field(
        "", description="Addresses `host:port,...` of Kafka. Empty: an embedded broker in `STANCE_DATA_DIR`."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How connections to Kafka are secured."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How we authenticate, with a SASL protocol."
    )
    kafka_sasl_username: str = Field("", description="User name, with a SASL protocol.")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="Password, with a SASL protocol.")
    kafka_sasl_password_file: Path | None = Field(
        None, description="File that holds the password, instead of the password itself."
    )
    kafka_ssl_ca_file: Path | None = Field(None, description="Certificates to trust (PEM). Unset: the system's.")
    kafka_ssl_cert_file: Path | None = Field(None, description="Our own certificate (PEM), for mutual TLS.")
    kafka_ssl_key_file: Path | None = Field(None, description="The key of our own certificate (PEM).")
    kafka_replication_factor: int = Field(
        -1, ge=-1, description="Copies of each partition of topics we create. -1: the broker's default."
    )
    kafka_partitions: int | None = Field(
        None,
        ge=1,
        description="Partitions of each topic, except those of dead letters; existing topics must have as many. "
        "Unset: as in docs/topics.md.",
    )
    kafka_topic_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]*$", description="Put before the name of every topic, to share a cluster."
    )
    kafka_timeout_seconds: float = Field(30.0, gt=0, description="How long Kafka may take to answer before we give up.")
    kafka_session_timeout_seconds: float = Field(
        45.0, ge=1, description="A worker that Kafka hears nothing of for so long loses its partitions to the others."
    )

    @property
    def embedded(self) -> bool:
        """True while no address is known: `shared.broker.running` fills it in."""
        return not self.kafka_bootstrap_servers

    @property
    def session_ms(self) -> tuple[int, int]:
        """The session timeout, and how often a worker says that it lives, in milliseconds."""
        timeout = int(self.kafka_session_timeout_seconds * 1000)
        return timeout, min(3000, timeout // 3)

    @property
    def tls(self) -> bool:
        """True if connections are encrypted."""
        return self.kafka_security_protocol.endswith("SSL")

    @property
    def sasl(self) -> bool:
        """True if we log in with a name and password."""
        return self.kafka_security_protocol.startswith("SASL")

    @property
    def sasl_password(self) -> str:
        """The password, wherever it is kept; raises PermanentError if its file can't be read."""
        return secret("STANCE_KAFKA_SASL_PASSWORD", self.kafka_sasl_password, self.kafka_sasl_password_file)

    def partitions(self, topic: Topic) -> int:
        """How many the topic has on this cluster."""
        return topic.partitions if topic.partitions == 1 else self.kafka_partitions or topic.partitions

    def topic(self, topic: Topic) -> str:
        """The topic's name on this cluster."""
        return self.kafka_topic_prefix + topic.name


class LogSettings(BaseSettings):
    """What the services write to standard error."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least level logged.")
    log_format: Literal["json", "text"] = Field("text", description="One JSON object a line, or text to read.")


class HealthSettings(BaseSettings):
    """Where a running process tells its health and metrics, see `shared/health.py`."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore")

    health_host: str = Field("127.0.0.1", description="Address that health and metrics are told at. `0.0.0.0`: all.")
    health_port: int | None = Field(
        None, ge=0, le=65535, description="Port of health and metrics, one a process. Unset: off. 0: any, see the log."
    )


def secret(name: str, value: SecretStr, file: Path | None) -> str:
    """What is set as `NAME`, or held by the file set as `NAME_FILE`; empty if neither is. Raises PermanentError."""
    if file is None:
        return value.get_secret_value()
    if value.get_secret_value():
        raise PermanentError(f"{name} and {name}_FILE are both set; unset one")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"{name}_FILE: {file}: {error}") from error


def data_refused(path: Path | None, error: Exception) -> str:
    """What to say of a file in the data folder that can't be opened or written."""
    return f"{path}: {error}. STANCE_DATA_DIR must be a folder that we may write to and that has room."


def explain(error: ValidationError) -> str:
    """A line for each wrong setting, with the name of its environment variable.

    The error tells only the name of its settings' class: no two of them may be named alike.
    """
    prefixes = {model.__name__: model.model_config.get("env_prefix", "") for model in BaseSettings.__subclasses__()}
    return "\n".join(
        f"{prefixes.get(error.title, '')}{'.'.join(map(str, problem['loc']))}".upper() + f": {problem['msg']}"
        for problem in error.errors()
    )
