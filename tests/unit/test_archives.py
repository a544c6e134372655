"""gzip, zip and WARC behind the file source: what is read, and what hostile or broken archives cost."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ingest_service.normalise import normalise
from ingest_service.sources.files import FileSource
from tests.documents import PROSE, READ_AT
from tests.unit.test_files import read

TEXT = "\n\n".join(PROSE)
PAGE = f"<html><body><article><h1>Acme opens up</h1><p>{PROSE[0]}</p><p>{PROSE[1]}</p></article></body></html>"


def lines(count: int) -> bytes:
    return b"".join(json.dumps({"id": number, "body": PROSE[0]}).encode() + b"\n" for number in range(count))


def zipped(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def answer(
    writer: WARCWriter, url: str, body: bytes, status: str = "200 OK", date: str | None = None, **headers: str
) -> None:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    head = StatusAndHeaders(status, fields, protocol="HTTP/1.1")
    extra = {"WARC-Date": date} if date else {}
    writer.write_record(
        writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head, warc_headers_dict=extra)
    )


def warc(*urls: str, packed: bool = False) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for url in urls:
        answer(writer, url, PAGE.encode(), Content_Type="text/html")
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl", "a.warc"])
def test_a_packed_file_is_the_same_document_as_the_file(tmp_path: Path, name: str) -> None:
    content = {
        "a.txt": TEXT.encode(),
        "a.html": PAGE.encode(),
        "a.jsonl": lines(3),
        "a.warc": warc("https://x.example/1"),
    }
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily" / name).write_bytes(content[name])
    plain, _ = read(tmp_path / "daily" / name)
    (tmp_path / "daily" / name).unlink()
    (tmp_path / "daily" / f"{name}.gz").write_bytes(gzip.compress(content[name]))
    for path in (tmp_path / "daily" / f"{name}.gz", tmp_path / "daily"):
        packed, reasons = read(path)
        assert not reasons
        assert [(d.source, d.key, d.content, d.media_type) for d in packed] == [
            (d.source, d.key, d.content, d.media_type) for d in plain
        ]


def test_a_zipped_folder_with_its_manifest_is_the_folder(tmp_path: Path) -> None:
    files = {
        "manifest.yaml": "source: weekly\narticles: {2024/a.txt: {language: de}}\n",
        "2024/a.txt": TEXT,
        "b.html": PAGE,
    }
    (tmp_path / "top.zip").write_bytes(zipped(files))
    (tmp_path / "nested.zip").write_bytes(zipped({f"weekly/{name}": text for name, text in files.items()}))
    (tmp_path / "folder" / "2024").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / "folder" / name).write_text(text)
    expected, _ = read(tmp_path / "folder")
    for name in ("top.zip", "nested.zip"):
        found, reasons = read(tmp_path / name)
        assert not reasons
        assert sorted((d.source, d.key, d.known.language) for d in found) == sorted(
            (d.source, d.key, d.known.language) for d in expected
        )


def test_a_zip_without_manifest_names_its_files_by_their_place_in_it(tmp_path: Path) -> None:
    content = zipped(
        {"2024/a.txt": TEXT, "2024/pic.png": b"\x89PNG", "__MACOSX/a.txt": "x", ".b.txt": "x", "c.jsonl": lines(1)}
    )
    (tmp_path / "daily.zip").write_bytes(content)
    documents, reasons = read(tmp_path / "daily.zip", name="s")
    assert not reasons
    assert [(d.key, d.where) for d in documents] == [
        ("daily.zip/2024/a.txt", f"{tmp_path}/daily.zip/2024/a.txt"),
        ("daily.zip/c.jsonl#0", f"{tmp_path}/daily.zip/c.jsonl:1"),
    ]


def test_a_zipped_manifest_may_not_name_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"manifest.yaml": "articles: {gone.txt: {language: en}}", "a.txt": TEXT}))
    documents, reasons = read(tmp_path / "a.zip")
    assert len(documents) == 1
    assert "a.zip/manifest.yaml: it names 'gone.txt'" in reasons[0]


def test_an_archive_may_hold_archives_but_no_deeper(tmp_path: Path) -> None:
    inner = zipped({"b.txt": TEXT, "c.zip": zipped({"d.txt": TEXT})})
    (tmp_path / "a.zip").write_bytes(zipped({"b.zip": inner, "e.jsonl.gz": gzip.compress(lines(2)), "f.txt": TEXT}))
    documents, reasons = read(tmp_path / "a.zip")
    assert [d.key for d in documents] == ["a.zip/b.zip/b.txt", "a.zip/e.jsonl#0", "a.zip/e.jsonl#1", "a.zip/f.txt"]
    assert reasons == [f"{tmp_path}/a.zip/b.zip/c.zip: archives are read one inside another, no deeper"]


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_a_member_whose_name_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({name: TEXT, "good.txt": TEXT}))
    documents, reasons = read(tmp_path / "a.zip")
    assert [d.key for d in documents] == ["a.zip/good.txt"]
    assert "leads out of the zip archive" in reasons[0]
    assert name in reasons[0]


def test_an_encrypted_member_costs_that_member_only(tmp_path: Path) -> None:
    content = bytearray(zipped({"secret.txt": TEXT, "good.txt": TEXT}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    documents, reasons = read(tmp_path / "a.zip")
    assert [d.key for d in documents] == ["a.zip/good.txt"]
    assert reasons == [f"{tmp_path}/a.zip/secret.txt: it is encrypted; unpack the zip archive first"]


def test_a_damaged_member_costs_that_member_only(tmp_path: Path) -> None:
    content = bytearray(zipped({"bad.txt": TEXT, "good.txt": TEXT}, zipfile.ZIP_STORED))
    content[content.index(b"Acme")] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    documents, reasons = read(tmp_path / "a.zip")
    assert [d.key for d in documents] == ["a.zip/good.txt"]
    assert "a.zip/bad.txt: it is damaged or cut off" in reasons[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped({"a.txt": TEXT})),
        ("a.txt.gz", gzip.compress(TEXT.encode())),
        ("a.warc", warc("https://x.example/1")),
        ("a.warc.gz", warc("https://x.example/1", packed=True)),
    ],
)
def test_an_archive_that_is_cut_off_is_named_and_the_rest_goes_on(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    (tmp_path / "z.txt").write_text(TEXT)
    documents, reasons = read(tmp_path)
    assert [d.key for d in documents] == ["z.txt"]
    assert len(reasons) == 1
    assert reasons[0].startswith(str(tmp_path / name))


def test_lines_before_the_place_where_an_archive_breaks_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(5000))[:-500])
    documents, reasons = read(tmp_path / "a.jsonl.gz")
    assert len(documents) > 1000
    assert "a.jsonl.gz: it is damaged or cut off" in reasons[-1]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar"])
def test_archives_of_other_kinds_are_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"x"))
    assert "make it a .zip" in read(tmp_path / name)[1][0]


def zeros(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1024**2))
    return packed.getvalue()


def overlapping(members: int) -> bytes:
    """A zip whose members all have the same packed bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", bytes(1024**2))
    content = packed.getvalue()
    start = content.index(b"PK\x01\x02")
    entry, end = content[start : content.index(b"PK\x05\x06")], content[content.index(b"PK\x05\x06") :]
    counts = struct.pack("<HHII", members, members, len(entry) * members, start)
    return content[:start] + entry * members + end[:8] + counts + end[20:]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", lambda: zeros(200)),
        ("a.zip", lambda: zipped({"a.jsonl": bytes(200 * 1024**2)})),
        ("a.zip", lambda: zipped({"b.zip": zipped({"a.jsonl": bytes(200 * 1024**2)})})),
        ("a.warc.gz", lambda: zeros(200)),
        ("a.zip", lambda: overlapping(300)),
    ],
    ids=["gzip", "zip", "zip in zip", "warc", "overlapping members"],
)
def test_a_bomb_is_put_out_and_the_rest_goes_on(tmp_path: Path, name: str, content: Callable[[], bytes]) -> None:
    (tmp_path / name).write_bytes(content())
    (tmp_path / "z.txt").write_text(TEXT)
    documents, reasons = read(tmp_path, max_bytes=1024**2)
    assert [d.key for d in documents] == ["z.txt"]
    assert name in reasons[-1]
    assert name == "a.warc.gz" or "unpacks to more than 250 times its size" in reasons[-1]


def test_an_archive_may_unpack_to_no_more_than_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(100)))
    _, reasons = read(tmp_path / "a.jsonl.gz", max_archive_bytes=1000)
    assert "STANCE_INGEST_MAX_ARCHIVE_BYTES" in reasons[-1]


def test_memory_does_not_grow_with_an_archive(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / "a.jsonl.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(count):
                file.write(lines(1000))
        tracemalloc.start()
        try:
            with_errors = sum(1 for _ in FileSource(path).documents())
            assert with_errors == 1000 * count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(20) < 1.5 * peak(2)


def test_pages_and_texts_of_a_warc_are_documents(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    writer.write_record(writer.create_warcinfo_record("a.warc.gz", {"software": "test"}))
    date = "2020-05-01T10:00:00Z"
    latin = PAGE.replace("Acme", "Ácme").encode("windows-1252")
    answer(writer, "https://x.example/1", latin, date=date, Content_Type="text/html; charset=windows-1252")
    answer(
        writer, "https://x.example/2", gzip.compress(PAGE.encode()), Content_Type="text/html", Content_Encoding="gzip"
    )
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE.encode()), PAGE.encode())
    answer(writer, "https://x.example/3", chunked, Content_Type="text/html", Transfer_Encoding="chunked")
    answer(writer, "https://x.example/4", b"not here", "404 Not Found", Content_Type="text/html")
    answer(writer, "https://x.example/5", b"\x89PNG\r\n\x1a\n\x00", Content_Type="image/png")
    text = writer.create_warc_record(
        "https://x.example/6", "conversion", payload=io.BytesIO(TEXT.encode()), warc_content_type="text/plain"
    )
    writer.write_record(text)
    (tmp_path / "a.warc.gz").write_bytes(out.getvalue())
    documents, reasons = read(tmp_path / "a.warc.gz")
    assert not reasons
    assert [(d.key, d.media_type) for d in documents] == [
        ("https://x.example/1", "text/html"),
        ("https://x.example/2", "text/html"),
        ("https://x.example/3", "text/html"),
        ("https://x.example/6", "text/plain"),
    ]
    found = [normalise(document, READ_AT) for document in documents]
    assert found[0].body.startswith("Ácme said")
    assert (found[0].published_at, found[0].published_origin) == (datetime(2020, 5, 1, 10, tzinfo=UTC), "fetched")
    assert len({article.body for article in found[1:]}) == 1


def test_a_warc_packed_as_a_whole_is_read_like_one_packed_by_record(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(warc("https://x.example/1", "https://x.example/2")))
    documents, reasons = read(tmp_path / "a.warc.gz")
    assert not reasons
    assert len(documents) == 2


def test_a_record_that_can_t_be_decoded_costs_that_record(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    answer(
        writer,
        "https://x.example/1",
        gzip.compress(bytes(10 * 1024**2)),
        Content_Type="text/html",
        Content_Encoding="gzip",
    )
    answer(writer, "https://x.example/2", PAGE.encode(), Content_Type="text/html")
    (tmp_path / "a.warc").write_bytes(out.getvalue())
    documents, reasons = read(tmp_path / "a.warc", max_bytes=1024**2)
    assert [d.key for d in documents] == ["https://x.example/2"]
    assert "record 1 (https://x.example/1): it is too large: the limit is 1,048,576 bytes" in reasons[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not a WARC at all\r\n\r\n", "it is no WARC file"),
        (b"WARC/1.0\r\nWARC-Type: response\r\n\r\n", "no length"),
        (warc("https://x.example/1") + b"garbage", "damaged after 1 records"),
        (b"WARC/1.0\r\nContent-Length: 10\r\n\r\nshort", "cut off"),
    ],
)
def test_a_warc_that_is_none_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.warc").write_bytes(content)
    assert reason in read(tmp_path / "a.warc")[1][-1]


def test_a_zip_member_without_a_name_is_rejected_and_the_others_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        with archive.open(zipfile.ZipInfo(""), "w") as nameless:
            nameless.write(TEXT.encode())
        archive.writestr("b.txt", TEXT)
    documents, reasons = read(tmp_path / "a.zip")
    assert [document.key for document in documents] == ["a.zip/b.txt"]
    assert [reason.rpartition(": ")[2] for reason in reasons] == ["it has no name"]


def test_a_zip_member_that_is_said_to_lie_before_the_archive_is_rejected_and_the_others_read(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.txt": TEXT, "b.txt": TEXT}))
    end, first = content.index(b"PK\x05\x06"), content.index(b"PK\x01\x02")
    said = struct.unpack("<I", content[end + 16 : end + 20])[0] + 100
    content[end + 16 : end + 20] = struct.pack("<I", said)  # where the directory lies: members lie 100 bytes earlier
    second = content.index(b"PK\x01\x02", first + 1)
    content[second + 42 : second + 46] = struct.pack("<I", content.index(b"PK\x03\x04", 4) + 100)
    (tmp_path / "a.zip").write_bytes(content)
    documents, reasons = read(tmp_path / "a.zip")
    assert [document.key for document in documents] == ["a.zip/b.txt"]
    assert ["a.txt: the zip archive's member can't be opened" in reason for reason in reasons] == [True]


SAMPLES = {
    "a.zip": zipped({"a.txt": TEXT, "b/c.jsonl": lines(2), "manifest.yaml": "source: s"}),
    "a.jsonl.gz": gzip.compress(lines(3)),
    "a.warc": warc("https://x.example/1", "https://x.example/2"),
    "a.warc.gz": warc("https://x.example/1", packed=True),
    "a.jsonl": lines(2),
}


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_yields_documents_or_reasons_and_nothing_else(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
        if not content:
            break
    (tmp_path / name).write_bytes(content)
    documents, reasons = read(tmp_path / name)
    assert documents or reasons


@given(st.sampled_from(sorted(SAMPLES)), st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_under_any_name_yield_documents_or_reasons(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    documents, reasons = read(tmp_path / name)
    assert documents or reasons or not content.strip()
