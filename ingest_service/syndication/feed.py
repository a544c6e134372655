"""What a feed says, whichever its format. Pure."""

import hashlib
import html
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

MAX_ITEMS = 2000
MAX_FIELD = 1000
"""Characters of a title, name or id."""
_TAG = re.compile(r"<(?:!--.*?(?:-->|\Z)|/?[a-zA-Z][^<>]*>)", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_CUT_OFF = re.compile(
    r"(?:\.\.\.|…|\[(?:\.\.\.|…|&#8230;)\]|(?:read|see) (?:more|on)|continue reading.{0,200}|weiterlesen|lire la suite"
    r"|mehr lesen|leer más|leggi tutto|the post .{1,300} (?:appeared first on|first appeared on) .{1,100})"
    r"\W*\Z",
    re.IGNORECASE,
)
_ENOUGH_TEXT = 1000
_RETRACTED = re.compile(
    r"\W*(?:RETRACTED|WITHDRAWN|ZURÜCKGEZOGEN|RÉTRACTÉ|RETIRADO|RITIRATO|INGETROKKEN)(?: ARTICLE)?\s*[:\])–—-]"
    r"|\W*[\[(](?i:retracted|withdrawn|zurückgezogen|rétracté|retirado|ritirato|ingetrokken)[\])]"
)


@dataclass(frozen=True)
class Item:
    """An item of a feed. `markup`: its content is HTML. `link` is absolute, but may be any kind of address."""

    key: str
    link: str | None = None
    title: str | None = None
    content: str = ""
    markup: bool = True
    author: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None

    @cached_property
    def version(self) -> str:
        """Differs when the publisher has changed something."""
        said = "\0".join((self.title or "", self.link or "", str(self.updated_at), self.content))
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def retracted(self) -> bool:
        """True if the title begins with the mark that publishers put on what they retract.

        Only as a mark: `Retracted: how a study fell` is a headline, `RETRACTED: How ...` and `[Retracted] How ...`
        are not.
        """
        return _RETRACTED.match(self.title or "") is not None

    @property
    def complete(self) -> bool:
        """True if the content is a whole article rather than its first lines."""
        text = plain(self.content) if self.markup else self.content.strip()
        return len(text) >= _ENOUGH_TEXT and not _CUT_OFF.search(text[-600:])


@dataclass(frozen=True)
class Withdrawn:
    """An item that the feed says is deleted (RFC 6721)."""

    key: str
    reason: str


@dataclass(frozen=True)
class Feed:
    """What could be read of a feed; `defects` says what could not."""

    title: str | None = None
    items: tuple[Item, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    stays_for: timedelta = timedelta()  # how long it need not be asked again, as it says (`ttl`)
    silent_hours: frozenset[int] = frozenset()  # UTC hours at which it never changes (`skipHours`)
    defects: tuple[str, ...] = ()


def plain(markup: str) -> str:
    """The words of some HTML, on one line."""
    return _BLANKS.sub(" ", html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", markup)))).strip()


def line(text: str | None) -> str | None:
    """A title or name as plain words, not too many; None if there are none."""
    return plain((text or "")[: 10 * MAX_FIELD])[:MAX_FIELD] or None


def distinct(items: list[Item]) -> tuple[Item, ...]:
    """Every item once; where a publisher gives all items one id, their links tell them apart."""
    found: dict[str, Item] = {}
    for item in items:
        before = found.setdefault(item.key, item)
        if before.link != item.link and item.link:
            found.setdefault(item.link, replace(item, key=item.link))
    return tuple(found.values())


def item_key(identity: str | None, link: str | None, otherwise: str) -> str:
    """What names an item within its feed: its id, else its link, else what it says."""
    key = (identity or "").strip() or link or ""
    if 0 < len(key) <= MAX_FIELD:
        return key
    return hashlib.sha256((key or otherwise).encode("utf-8", "replace")).hexdigest()
