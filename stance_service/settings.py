"""Settings of the stance service, read from the environment (`STANCE_...`) by `__main__` alone."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stance_service.belief import Parameters


class ClassifierSettings(BaseSettings):
    """Which model decides, and which actors it knows."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore", protected_namespaces=())

    classifier: Literal["embedded"] = Field("embedded", description="The backend that judges articles.")
    model_dir: Path | None = Field(None, description="Folder of the embedded model. Unset: the one shipped.")
    model_threads: int | None = Field(None, ge=1, description="Passages read at once. Unset: one a core.")
    registry: Path | None = Field(
        None, description="YAML file of actors (see `stance_service/actors/actors.yaml`) added to those shipped."
    )


class TrackerSettings(BaseSettings):
    """How positions are inferred, see `stance_service/belief.py` for what the values mean."""

    model_config = SettingsConfigDict(env_prefix="STANCE_TRACK_", frozen=True, extra="ignore")

    switches_per_year: float | None = Field(None, description="How often an actor is expected to turn, a year.")
    sentence_bound: float | None = Field(None, description="The highest likelihood ratio of one observation.")
    day_bound: float | None = Field(None, description="The highest likelihood ratio of all evidence of one day.")
    enter: float | None = Field(None, description="A position is taken from this probability on ...")
    leave: float | None = Field(None, description="... and kept until its probability is under this one.")

    def parameters(self) -> Parameters:
        """The defaults of the model with what is set; raises ValidationError for values out of range."""
        return Parameters.model_validate(self.model_dump(exclude_none=True))


class HistorySettings(BaseSettings):
    """Where the history is kept."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore")

    history_url: str = Field(
        "", description="SQLAlchemy address of the history. Empty: `history.sqlite` in `STANCE_DATA_DIR`."
    )
