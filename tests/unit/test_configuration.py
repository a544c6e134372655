"""The file of sources, and what is said when it is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from ingest_service.configuration import (
    Configuration,
    ConfigurationError,
    FeedEntry,
    FilesEntry,
    Interval,
    read_configuration,
)


def read(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return read_configuration(path)


def test_sources_are_read_with_their_defaults(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
allow_private: [wiki.example.org]
sources:
  - {name: daily, kind: feed, url: "https://daily.example/rss"}
  - name: seeds
    kind: files
    path: seeds
    every: {least: 30s, most: 2h}
""",
    )
    assert found.allow_private == ("wiki.example.org",)
    assert found.sources == (
        FeedEntry(name="daily", kind="feed", url="https://daily.example/rss"),
        FilesEntry(
            name="seeds",
            kind="files",
            path=tmp_path / "seeds",
            every=Interval(least=timedelta(seconds=30), most=timedelta(hours=2)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sources:\n- name: a\n  kind: fed\n  url: https://x.example", "sources.yaml:2: sources[0]: Input tag 'fed'"),
        ("sources:\n- name: a\n  kind: fed", "'feed', 'sitemap', 'pages', 'files'"),
        ("sources:\n- name: a\n  kind: feed\n  url: javascript:x", "yaml:4: sources[0].url: it must begin with http"),
        ("sources:\n- {name: a, kind: feed}", "sources.yaml:2: sources[0].url: Field required"),
        ("sources:\n- name: a\n  kind: files\n  path: .\n  pat: x", "sources.yaml:5: sources[0].pat: Extra inputs"),
        (
            "sources:\n- name: a\n  kind: files\n  path: .\n  every:\n    least: 5",
            "yaml:6: sources[0].every.least: it must",
        ),
        ("sources:\n- name: a\n  kind: files\n  path: .\n  every: {least: 9h}", "`least` must not be longer"),
        ("sources:\n- &a {name: a, kind: files, path: .}\n- *a", "two sources are named 'a'"),
        ("source: []", "sources.yaml:1: sources: Field required"),
        ("", "sources: Field required"),
        ("sources: [", "is no YAML"),
        ("- a", "valid dictionary"),
        ("sources:\n- {name: a b, kind: files, path: .}", "sources[0].name: String should match"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_field(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, text)
    assert complaint in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml can't be read"):
        read_configuration(tmp_path / "none.yaml")
