"""Settings of ingest, read from the environment (`STANCE_INGEST_...`) by the commands alone."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest_service.sources.archives import MAX_ARCHIVE_BYTES
from ingest_service.sources.files import MAX_BYTES


class IngestSettings(BaseSettings):
    """How documents are read."""

    model_config = SettingsConfigDict(env_prefix="STANCE_INGEST_", frozen=True, extra="ignore")

    max_file_bytes: int = Field(MAX_BYTES, gt=0, description="Files, and single lines of JSON lines, must be smaller.")
    max_archive_bytes: int = Field(MAX_ARCHIVE_BYTES, gt=0, description="The most that one archive may unpack to.")
    keep_raw: bool = Field(False, description="Keep what articles were found in on `articles.raw.v1`, for audits.")
    sources: Path | None = Field(None, description="YAML file of the sources that `run` polls, see docs/ingest.md.")
    workers: int | None = Field(None, gt=0, description="Processes that normalise. Unset: one a core.")
    parallel: int = Field(20, gt=0, description="Sources polled at the same time.")
    document_seconds: float = Field(60.0, gt=0, description="How long one document may take to be normalised.")


class IngestApiSettings(BaseSettings):
    """Where and how articles are taken over HTTP."""

    model_config = SettingsConfigDict(env_prefix="STANCE_INGEST_API_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address that `POST /articles` is answered at. `0.0.0.0`: all.")
    port: int | None = Field(None, ge=0, le=65535, description="Its port. Unset: off. 0: any, see the log.")
    token: SecretStr = Field(SecretStr(""), description="What clients send as `Authorization: Bearer ...`.")
    token_file: Path | None = Field(None, description="File that holds the token, instead of the token itself.")
    max_bytes: int = Field(16 * 1024 * 1024, gt=0, description="The largest body of a request.")
    max_articles: int = Field(1000, gt=0, description="The most articles in a request.")
    parallel: int = Field(8, gt=0, description="Requests worked on at once; more are answered 503.")
    connections: int = Field(100, gt=0, description="Connections at once; more are answered 503.")
    read_seconds: float = Field(30.0, gt=0, description="How long a client may take to send its request.")
    answers_kept_hours: float = Field(24.0, gt=0, description="How long answers are kept by `Idempotency-Key`.")
