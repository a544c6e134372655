"""Wrong settings are named as their variables are."""

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

import ingest_service.settings  # noqa: F401 - both services' settings are known
from shared.settings import explain
from stance_service.settings import ApiSettings, TrackerSettings


def test_a_wrong_parameter_is_named_by_its_variable() -> None:
    with pytest.raises(ValidationError) as refused:
        TrackerSettings(enter=8).parameters()
    assert explain(refused.value) == "STANCE_TRACK_ENTER: Input should be less than 1"


def test_no_two_settings_are_named_alike() -> None:
    ours = [each.__name__ for each in BaseSettings.__subclasses__() if "_service" in each.__module__]
    assert len(ours) == len(set(ours))


@pytest.mark.parametrize("origins", ["", "*", "https://a.example", "https://a.example, http://127.0.0.1:8000"])
def test_pages_are_named_by_their_origins(origins: str) -> None:
    assert ApiSettings(origins=origins).origins == origins


@pytest.mark.parametrize("wrong", ["a.example", "https://a.example/", "https://a.example/page", "null", "file:///x"])
def test_what_is_no_origin_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ApiSettings(origins=f"https://b.example,{wrong}")
    assert f"STANCE_API_ORIGINS: Value error, {wrong} is no origin; allowed are" in explain(refused.value)
