"""Settings of the stance service, read from the environment (`STANCE_...`) by `__main__` alone."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stance_service.belief import Parameters

_MODEL = Parameters()


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

    switches_per_year: float = Field(_MODEL.switches_per_year, description="How often an actor turns, a year.")
    sentence_bound: float = Field(_MODEL.sentence_bound, description="Highest likelihood ratio of an observation.")
    day_bound: float = Field(_MODEL.day_bound, description="Highest likelihood ratio of all evidence of a day.")
    enter: float = Field(_MODEL.enter, description="A position is taken from this probability on ...")
    leave: float = Field(_MODEL.leave, description="... and kept until its probability is under this one.")
    apart_days: int = Field(_MODEL.apart_days, description="What one story says at closer times counts once.")
    quote_length: int = Field(_MODEL.quote_length, description="Letters from which on recurring words count once.")
    revision_days: int = Field(_MODEL.revision_days, description="A boundary moved by less is no revision.")

    def parameters(self) -> Parameters:
        """Of the model; raises ValidationError for values out of range."""
        return Parameters.model_validate(self.model_dump())


class HistorySettings(BaseSettings):
    """Where the history is kept."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="ignore")

    history_url: str = Field(
        "", description="SQLAlchemy address of the history. Empty: `history.sqlite` in `STANCE_DATA_DIR`."
    )
