"""Settings of the stance service, read from the environment (`STANCE_...`) by `__main__` alone."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClassifierSettings(BaseSettings):
    """Which model decides, and which actors it knows."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore", protected_namespaces=())

    classifier: Literal["embedded"] = Field("embedded", description="The backend that judges articles.")
    model_dir: Path | None = Field(None, description="Folder of the embedded model. Unset: the one shipped.")
    model_threads: int | None = Field(None, ge=1, description="Passages read at once. Unset: one a core.")
    registry: Path | None = Field(
        None, description="YAML file of actors (see `stance_service/actors/actors.yaml`) added to those shipped."
    )
