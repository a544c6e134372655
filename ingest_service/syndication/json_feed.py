"""JSON Feed 1.0 and 1.1. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from ingest_service.syndication.dates import instant
from ingest_service.syndication.feed import MAX_ITEMS, Feed, Item, distinct, item_key, line
from ingest_service.text import NotTextError, decode
from shared.errors import BadInputError


def read_json_feed(content: bytes, charset: str | None, url: str) -> Feed:
    """What can be read of a JSON feed; raises BadInputError if it is none."""
    try:
        found = json.loads(decode(content, charset))
    except (NotTextError, ValueError, RecursionError) as error:
        raise BadInputError(url, f"it is no JSON: {error}") from error
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(items, list):
        raise BadInputError(url, "it is JSON, but no feed: it has no list of `items`")
    objects = [item for item in items[:MAX_ITEMS] if isinstance(item, dict)]
    defects = (
        [f"{len(items[:MAX_ITEMS]) - len(objects)} of its items are no objects"] if len(objects) < len(items) else []
    )
    if len(items) > MAX_ITEMS:
        defects = [f"it has more than {MAX_ITEMS:,} items; the first ones are read"]
    return Feed(
        title=line(_text(found, "title")),
        items=distinct([_item(item, url) for item in objects]),
        defects=tuple(defects),
    )


def _item(item: Mapping[str, Any], url: str) -> Item:
    link = _link(item, url)
    markup = _text(item, "content_html")
    content = markup or _text(item, "content_text") or _text(item, "summary") or ""
    title = line(_text(item, "title"))
    identity = item.get("id")
    return Item(
        key=item_key(str(identity) if isinstance(identity, str | int | float) else None, link, f"{title}{content}"),
        link=link,
        title=title,
        content=content,
        markup=bool(markup),
        author=_author(item),
        published_at=instant(_text(item, "date_published") or ""),
        updated_at=instant(_text(item, "date_modified") or ""),
    )


def _link(item: Mapping[str, Any], url: str) -> str | None:
    found = _text(item, "url") or _text(item, "external_url")
    try:
        return urljoin(url, found.strip()) if found else None
    except ValueError:
        return found


def _author(item: Mapping[str, Any]) -> str | None:
    authors = item.get("authors")
    candidates = [*(authors if isinstance(authors, list) else []), item.get("author")]
    return next((name for each in candidates if isinstance(each, dict) and (name := line(_text(each, "name")))), None)


def _text(record: Mapping[str, Any], field: str) -> str | None:
    value = record.get(field)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
