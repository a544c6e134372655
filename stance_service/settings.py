"""Settings of the stance service, read from the environment (`STANCE_...`) by `__main__` alone."""

import re
from pathlib import Path
from typing import Final, Literal, cast

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import InitErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from stance_service.belief import Parameters

_MODEL = Parameters()
_ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+")


class ClassifierSettings(BaseSettings):
    """Which model decides, and which actors and axes it knows."""

    model_config = SettingsConfigDict(
        env_prefix="STANCE_", frozen=True, extra="ignore", protected_namespaces=(), hide_input_in_errors=True
    )

    classifier: Literal["embedded", "directory", "chat", "cascade"] = Field(
        "embedded", description="The backend that judges articles: `embedded`, `directory`, `chat` or `cascade`."
    )
    model_dir: Path | None = Field(None, description="Folder of the embedded model. Unset: the one shipped.")
    model_threads: int | None = Field(None, ge=1, description="Passages read at once. Unset: one a core.")
    registry: Path | None = Field(
        None, description="YAML file of actors (see `stance_service/actors/actors.yaml`) added to those shipped."
    )
    propositions: Path | None = Field(
        None, description="YAML file of axes (see `stance_service/propositions.yaml`) added to those built in."
    )
    nli_model: str = Field("", description="With `directory`: folder or hub name of an NLI model.")
    nli_revision: str | None = Field(None, description="With a hub name: the commit, tag or branch to use.")
    nli_threshold: float = Field(0.8, ge=0, le=1, description="With `directory`: least probability of a statement.")
    chat_base_url: str = Field("", description="With `chat` and `cascade`: address of the API, `http://host:8000/v1`.")
    chat_model: str = Field("", description="The model's name at that address.")
    chat_api_key: SecretStr = Field(SecretStr(""), description="The key, if the endpoint wants one.")
    chat_api_key_file: Path | None = Field(None, description="File that holds the key, instead of the key itself.")
    chat_timeout_seconds: float = Field(120.0, gt=0, description="How long one whole answer may take.")
    chat_retries: int = Field(4, ge=0, description="Attempts after a first that failed or made no sense.")
    chat_backoff_seconds: float = Field(1.0, ge=0, description="Wait before the first retry, doubled for each more.")
    chat_max_tokens: int = Field(2000, ge=1, description="Longest answer, in the model's tokens.")
    chat_seed: int = Field(0, description="Seed of the sampling, where the endpoint knows one; temperature is 0.")
    chat_part_characters: int = Field(10_000, ge=1000, description="Longer articles are asked about in parts.")
    chat_overlap_characters: int = Field(1000, ge=0, description="What a part repeats of the one before.")
    chat_max_parts: int = Field(40, ge=1, description="Parts read of one article; the rest is left out and logged.")
    chat_parallel: int = Field(4, ge=1, description="Calls at once.")
    chat_price_in: float = Field(0.0, ge=0, description="Price of a million tokens in, for `stance_chat_cost_total`.")
    chat_price_out: float = Field(0.0, ge=0, description="Price of a million tokens out.")
    cascade_passages: int = Field(
        12, ge=1, description="With `cascade`: passages of an article that the chat model is asked about at most."
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
        """Of the model; raises ValidationError for values out of range, as of these settings."""
        try:
            return Parameters.model_validate(self.model_dump())
        except ValidationError as error:
            found = cast(list[InitErrorDetails], error.errors(include_url=False))
            raise ValidationError.from_exception_data(type(self).__name__, found) from error


class HistorySettings(BaseSettings):
    """Where the history is kept."""

    model_config = SettingsConfigDict(
        env_prefix="STANCE_HISTORY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    url: str = Field(
        "",
        description="Where the history is kept: `postgresql://USER@HOST/DATABASE` or `sqlite:///FILE`. Empty: "
        "`history.sqlite` in `STANCE_DATA_DIR`.",
    )
    password: SecretStr = Field(SecretStr(""), description="The password of that user of PostgreSQL.")
    password_file: Path | None = Field(None, description="File that holds the password, instead of the password.")


class AlertSettings(BaseSettings):
    """How `stance-service alert` delivers."""

    model_config = SettingsConfigDict(env_prefix="STANCE_ALERT_", frozen=True, extra="ignore")

    start: Literal["now", "beginning"] = Field(
        "now", description="The first change that is ever told of: the next one, or the first on the topic."
    )
    timeout_seconds: float = Field(10.0, gt=0, description="How long a channel may take for a notice.")
    first_pause_seconds: float = Field(5.0, gt=0, description="Before the second attempt; each is four times longer.")
    longest_pause_seconds: float = Field(6 * 3600.0, gt=0, description="The longest pause between two attempts.")
    give_up_seconds: float = Field(24 * 3600.0, gt=0, description="A notice not taken for so long is parked.")
    disable_seconds: float = Field(
        5 * 24 * 3600.0, gt=0, description="A channel that took nothing for so long is disabled."
    )


class ApiSettings(BaseSettings):
    """What `stance-service serve` answers, and whom."""

    model_config = SettingsConfigDict(env_prefix="STANCE_API_", frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="Address that stance changes are streamed at. `0.0.0.0`: all.")
    port: int = Field(8090, ge=0, le=65535, description="Its port. 0: any, see the log.")
    token: SecretStr = Field(
        SecretStr(""), description="What clients send as `Authorization: Bearer ...`. Empty: anybody may read."
    )
    token_file: Path | None = Field(None, description="File that holds the token, instead of the token itself.")
    origins: str = Field(
        "", description="Web pages whose scripts may read the stream, as `https://host,...`; `*`: those of all sites."
    )
    clients: int = Field(1000, gt=0, description="Streams at once; more are answered 503.")
    room: int = Field(1000, gt=0, description="A client that is more changes behind is disconnected, and may resume.")
    heartbeat_seconds: float = Field(15.0, gt=0, description="A stream that has nothing to say says so this often.")

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for each in filter(None, map(str.strip, text.split(","))):
            if each != "*" and not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is no origin; allowed are *, and https://host or https://host:port")
        return text


class AuditSettings(BaseSettings):
    """What checkpoints are signed and verified with, see `docs/audit.md`."""

    model_config = SettingsConfigDict(env_prefix="STANCE_AUDIT_", frozen=True, extra="ignore")

    signing_key: Path | None = Field(None, description="The private key that `audit checkpoint` signs with (PEM).")
    trusted_keys: Path | None = Field(
        None, description="YAML file of the public keys whose checkpoints count, and from when to when."
    )
    checkpoint_copy: Path | None = Field(
        None, description="File that every checkpoint is added to, best kept where nobody can rewrite it."
    )
