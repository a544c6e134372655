"""RSS 0.9x, 1.0 (RDF) and 2.0, and Atom 0.3 and 1.0: one reader, for their elements differ by name. Pure."""

from datetime import datetime, timedelta
from itertools import islice
from urllib.parse import urljoin

from lxml import etree

from ingest_service.syndication.dates import instant
from ingest_service.syndication.feed import MAX_ITEMS, Feed, Item, Withdrawn, distinct, item_key, line
from ingest_service.syndication.xml import Element, name, read_xml, text
from shared.errors import BadInputError

_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_LONGEST_TTL = 24 * 60
"""Minutes."""
Children = dict[str, list[Element]]


def read_xml_feed(content: bytes, charset: str | None, url: str) -> Feed:
    """What can be read of an RSS or Atom feed; raises BadInputError if it is none."""
    document = read_xml(content, charset, url, base=url)
    root = document.root
    if name(root) not in _ROOTS:
        raise BadInputError(url, f"it is no feed: its first element is <{str(root.tag).rpartition('}')[2][:50]}>")
    channel = _children(next((child for child in root if name(child) == "channel"), root))
    elements = list(islice((element for element in root.iter() if name(element) in {"item", "entry"}), MAX_ITEMS + 1))
    defects = [f"it is not well-formed, and may be incomplete ({document.defect})"] if document.defect else []
    if len(elements) > MAX_ITEMS:
        defects.append(f"it has more than {MAX_ITEMS:,} items; the first ones are read")
    elif document.cut_off:
        elements = elements[:-1]
    deleted = islice((element for element in root.iter() if name(element) == "at:deleted-entry"), MAX_ITEMS)
    return Feed(
        title=line(_first(channel, "title")),
        items=distinct([_item(element, url) for element in elements[:MAX_ITEMS]]),
        withdrawn=tuple(_withdrawn(element) for element in deleted if element.get("ref")),
        stays_for=_ttl(_first(channel, "ttl")),
        silent_hours=_hours(channel),
        defects=tuple(defects),
    )


def _item(element: Element, url: str) -> Item:
    children = _children(element)
    link = _link(children, element, url)
    content = _fullest(children)
    title = line(_first(children, "title", "dc:title"))
    identity = _first(children, "guid", "id") or element.get(_ABOUT)
    return Item(
        key=item_key(identity, link, f"{title}{_body(content)}"),
        link=link,
        title=title,
        content=_body(content),
        markup=content is None or content.get("type") not in {"text", "text/plain"},
        author=_author(children),
        published_at=_date(children, "pubdate", "published", "dc:date", "issued", "dcterms:issued", "dcterms:created"),
        updated_at=_date(children, "updated", "modified", "dcterms:modified"),
    )


def _link(children: Children, element: Element, url: str) -> str | None:
    """The page of the item, absolute."""
    found = next(
        (link.get("href") or text(link) for link in children.get("link", []) if _is_page(link)), None
    ) or _permalink(children)
    try:
        return urljoin(element.base or url, found.strip()) if found else None
    except ValueError:
        return found  # no URL at all, which is told when it is fetched


def _is_page(link: Element) -> bool:
    return link.get("rel", "alternate") == "alternate" and bool(link.get("href") or text(link))


def _permalink(children: Children) -> str | None:
    guid = next(iter(children.get("guid", [])), None)
    is_url = guid is not None and guid.get("isPermaLink", "true") == "true" and text(guid).startswith("http")
    return text(guid) if is_url else None


def _fullest(children: Children) -> Element | None:
    """The element with the longest content: `content` where there is one, else often a summary."""
    names = ("content:encoded", "content", "xhtml:body", "description", "summary")
    return max(
        (element for tag in names for element in children.get(tag, [])), key=lambda e: len(text(e)), default=None
    )


def _body(content: Element | None) -> str:
    """Markup as a text: either escaped in the feed, or part of its XML."""
    if content is None:
        return ""
    inner = [child for child in content if isinstance(child.tag, str)]
    if not inner:
        return text(content)
    return (content.text or "") + "".join(etree.tostring(child, encoding="unicode", method="html") for child in inner)


def _author(children: Children) -> str | None:
    for element in [*children.get("dc:creator", []), *children.get("author", [])]:
        named = next((child for child in element if name(child) == "name"), None)
        if found := line(text(named if named is not None else element)):
            return found
    return None


def _withdrawn(element: Element) -> Withdrawn:
    comment = line(_first(_children(element), "at:comment"))
    when = element.get("when", "")[:40]
    reason = f"the feed says that it was deleted{f' at {when}' if when else ''}{f': {comment}' if comment else ''}"
    return Withdrawn(item_key(element.get("ref"), None, ""), reason)


def _children(element: Element) -> Children:
    found: Children = {}
    for child in element:
        found.setdefault(name(child), []).append(child)
    return found


def _first(children: Children, *names: str) -> str | None:
    return next((found for tag in names for element in children.get(tag, []) if (found := text(element))), None)


def _date(children: Children, *names: str) -> datetime | None:
    return next((at for tag in names for child in children.get(tag, []) if (at := instant(text(child)))), None)


def _ttl(minutes: str | None) -> timedelta:
    try:
        return timedelta(minutes=min(max(0, int(minutes or 0)), _LONGEST_TTL))
    except ValueError:
        return timedelta()


def _hours(channel: Children) -> frozenset[int]:
    hours = [text(hour) for skipped in channel.get("skiphours", []) for hour in skipped]
    return frozenset(int(hour) % 24 for hour in hours if hour.isascii() and hour.isdigit() and int(hour[:3]) <= 24)
