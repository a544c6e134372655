"""Folders, files, manifests and JSON lines."""

import json
from pathlib import Path

import pytest

from ingest_service.sources import RawDocument
from ingest_service.sources.files import FileSource
from shared.errors import BadInputError
from tests.documents import PROSE, SEEDS


def read(path: Path, **options: object) -> tuple[list[RawDocument], list[str]]:
    """The documents found and the reasons given."""
    found = list(FileSource(path, **options).documents())  # type: ignore[arg-type]
    documents = [item for item in found if isinstance(item, RawDocument)]
    return documents, [str(item) for item in found if isinstance(item, BadInputError)]


def test_the_seeds_are_a_source_like_any_other() -> None:
    documents, reasons = read(SEEDS)
    assert not reasons
    assert [
        document.known.published_at.date().isoformat() for document in documents if document.known.published_at
    ] == [
        "2020-09-25",
        "2024-03-13",
        "2023-04-15",
        "2016-11-15",
        "2024-03-07",
    ]
    assert {document.source for document in documents} == {"seeds"}


def test_a_file_is_the_same_document_alone_and_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "manifest.yaml").write_text("source: daily\narticles:\n  2024/a.txt: {language: de}\n")
    (tmp_path / "2024" / "a.txt").write_text(PROSE[0])
    [(whole, _), (alone, _)] = [read(tmp_path), read(tmp_path / "2024" / "a.txt")]
    assert [(d.source, d.key, d.known) for d in whole] == [(d.source, d.key, d.known) for d in alone]
    assert whole[0].known.language == "de"


def test_a_folder_without_manifest_gives_its_name_to_the_source(tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily" / "a.txt").write_text(PROSE[0])
    assert read(tmp_path / "daily")[0][0].source == "daily"
    assert read(tmp_path / "daily", name="weekly")[0][0].source == "weekly"


def test_a_page_is_known_by_its_suffix_or_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>x</p>")
    (tmp_path / "b.txt").write_text("\n<!DOCTYPE html><html></html>")
    (tmp_path / "c.txt").write_text("text")
    assert [document.media_type for document in read(tmp_path)[0]] == ["text/html", "text/html", "text/plain"]


def test_hidden_and_unknown_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    for name in (".hidden.txt", "image.png", "a.txt"):
        (tmp_path / name).write_text("text")
    assert [document.key for document in read(tmp_path)[0]] == ["a.txt"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{published_at: 2024-13-45}", "published_at '2024-13-45' is no ISO 8601 date"),
        ("{published_at: [2024]}", "published_at [2024] is no ISO 8601 date"),
        ("{publishedat: 2024-01-01}", "unknown field 'publishedat'"),
        ("{language: 7}", "language must be text"),
        ("yesterday", "must have fields"),
    ],
)
def test_a_wrong_entry_costs_its_file_only(tmp_path: Path, entry: str, reason: str) -> None:
    (tmp_path / "manifest.yaml").write_text(f"articles:\n  bad.txt: {entry}\n")
    for name in ("bad.txt", "good.txt"):
        (tmp_path / name).write_text(PROSE[0])
    documents, reasons = read(tmp_path)
    assert [document.key for document in documents] == ["good.txt"]
    assert len(reasons) == 1
    assert "bad.txt" in reasons[0]
    assert reason in reasons[0]


@pytest.mark.parametrize("content", ["a: [", "- 1", "articles: 7", "articles: {a.txt: !!timestamp 9999-99-99}", "\x00"])
def test_a_broken_manifest_costs_its_folder(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.yaml").write_text(content)
    (tmp_path / "a.txt").write_text(PROSE[0])
    documents, reasons = read(tmp_path)
    assert not documents
    assert "manifest.yaml: the manifest can't be read" in reasons[0]


def test_a_manifest_may_not_name_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("articles:\n  gone.txt: {language: en}\n")
    (tmp_path / "a.txt").write_text(PROSE[0])
    documents, reasons = read(tmp_path)
    assert len(documents) == 1
    assert "'gone.txt'" in reasons[0]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("/nonexistent")
    (tmp_path / "b.txt").write_bytes(b"x" * 100)
    (tmp_path / "c.txt").write_text("text")
    documents, reasons = read(tmp_path, max_bytes=100)
    assert [document.key for document in documents] == ["c.txt"]
    assert "a.txt: it is no regular file" in reasons[0]
    assert "b.txt: it is too large: the limit is 100 bytes (STANCE_INGEST_MAX_FILE_BYTES)" in reasons[1]


@pytest.mark.parametrize("name", ["nothing", "nothing.txt"])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    assert read(tmp_path / name)[1] == [f"{tmp_path / name}: there is no such file or folder"]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert "no .txt" in read(tmp_path)[1][0]


def test_json_lines_are_documents_with_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record = {"id": "7", "body": PROSE[0], "published_at": "2024-03-13", "source": "daily", "statements": []}
    path.write_text(json.dumps(record) + "\n\n" + json.dumps({"url": "https://x.example/1", "html": "<p>x</p>"}) + "\n")
    (first, second), reasons = read(path)
    assert not reasons
    assert (first.source, first.key, first.content.decode()) == ("daily", "a.jsonl#7", PROSE[0])
    assert first.known.published_at is not None
    assert (second.media_type, second.known.url) == ("text/html", "https://x.example/1")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "2", broken', "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "no object"),
        (b'{"id": "3"}', "no text"),
        (b'{"id": "3", "body": 7}', "`body` must be text"),
        (b'{"body": "text"}', "neither `url` nor `id`"),
        (b'{"id": "3", "body": "x", "published_at": "soon"}', "published_at 'soon'"),
        (b'{"id": "3", "body": "\\ud800"}', "surrogates"),
        (b'{"id": "3", "body": "' + b"x" * 200_000 + b'"}', "more than 150,000 bytes"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_costs_that_line_only(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    good = [json.dumps({"id": name, "body": PROSE[0]}).encode() for name in "ab"]
    path.write_bytes(b"\n".join([good[0], line, good[1]]))
    documents, reasons = read(path, max_bytes=150_000)
    assert [document.key for document in documents] == ["a.jsonl#a", "a.jsonl#b"]
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{path}:2: ")
    assert reason in reasons[0]
