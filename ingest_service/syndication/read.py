"""A feed of any format. Pure."""

from ingest_service.syndication.feed import Feed
from ingest_service.syndication.json_feed import read_json_feed
from ingest_service.syndication.xml_feed import read_xml_feed


def read_feed(content: bytes, charset: str | None, url: str) -> Feed:
    """What can be read of a feed; its relative links are taken from `url`. Raises BadInputError if it is none."""
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    return (read_json_feed if is_json else read_xml_feed)(content, charset, url)
