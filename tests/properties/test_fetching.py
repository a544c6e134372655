"""URLs, headers and first bytes of any kind are understood or refused, and never anything else."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from ingest_service.fetching.addresses import is_public
from ingest_service.fetching.errors import RefusedUrlError
from ingest_service.fetching.headers import require_fetchable, retry_after
from ingest_service.fetching.sniff import kind_of
from ingest_service.text import known_charset

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PIECES = st.sampled_from(
    ["http", "https", "javascript", ":", "//", "/", "\\", "@", "[", "]", "::1", "127.0.0.1", "a.example", "%00", "%",
     "?", "#", ":80", ":0", ":-1", "\u2488", "xn--", "-", ".", "\x00", "\r\n", "\ud800", "é", " "]
)  # fmt: skip
urls = (
    st.lists(PIECES, max_size=10).map("".join)
    | st.text()
    | st.lists(PIECES).map(lambda parts: "".join(["http://", *parts]))
)


@given(urls)
def test_any_text_is_a_url_of_a_host_or_refused(text: str) -> None:
    try:
        url = require_fetchable(text)
    except RefusedUrlError as error:
        assert error.reason
        return
    assert url.scheme in {"http", "https"}
    assert url.host
    assert not url.userinfo
    assert str(require_fetchable(str(url))) == str(url)


@given(st.text() | st.integers().map(str) | st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT")))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


@given(st.text(), st.binary(max_size=200), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"<"]))
def test_any_bytes_are_of_some_kind(media_type: str, content: bytes, start: bytes) -> None:
    assert kind_of(media_type, start + content) in {"html", "xml", "json", "text", "gzip", "binary"}


@given(st.text())
def test_any_charset_is_one_that_decodes_or_none(name: str) -> None:
    known = known_charset(name)
    assert known is None or isinstance(b"".decode(known), str)


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_in_ipv6_as_in_ipv4(address: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        assert is_public(str(IPv6Address(int(IPv6Address(prefix)) | int(address)))) == is_public(str(address))


@given(st.ip_addresses())
def test_what_python_calls_private_is_not_public(address: IPv4Address | IPv6Address) -> None:
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    if not mapped and (address.is_private or address.is_loopback or address.is_link_local or address.is_multicast):
        assert not is_public(str(address))
