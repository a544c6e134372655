"""Settings of ingest, read from the environment (`STANCE_INGEST_...`) by `__main__` alone."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest_service.sources.files import MAX_BYTES


class IngestSettings(BaseSettings):
    """How documents are read."""

    model_config = SettingsConfigDict(env_prefix="STANCE_INGEST_", frozen=True, extra="ignore")

    max_file_bytes: int = Field(MAX_BYTES, gt=0, description="Files, and single lines of JSON lines, must be smaller.")
