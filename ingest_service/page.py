"""The article in an HTML page, by trafilatura. Pure: nothing is fetched.

trafilatura joins what stands in the cells of tables that only lay a page out, and drops a first paragraph that stands
beside the headline: the tree is prepared for it, and the paragraph put back.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime

import trafilatura
from lxml.html import HtmlElement
from trafilatura.settings import DEFAULT_CONFIG
from trafilatura.utils import load_html

from ingest_service.sources import Known

EXTRACTOR = f"trafilatura-{trafilatura.__version__}"
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]+)""", re.IGNORECASE)
_HEAD_BYTES = 4096
_LAYOUT_CELL = 200
"""Characters; a table with so much in a cell is one for the eye, not of data."""
_STANDFIRST = re.compile(
    r"(?:^|[\s_-])(?:standfirst|lede|lead|intro|deck|dek|subhead(?:line|ing)?|subtitle|chapo|vorspann|entradilla|bajada|"
    r"sommario|occhiello|linha-fina|inleiding)(?:$|[\s_-])",
    re.IGNORECASE,
)
_LEAST_STANDFIRST = 60
_CONFIG = deepcopy(DEFAULT_CONFIG)
_CONFIG["DEFAULT"]["MIN_EXTRACTED_SIZE"] = "80"
"""Characters; a page with less of an article is taken for one without any, and all of its text for the article."""


@dataclass(frozen=True)
class Page:
    """Text with one paragraph a line, and what the page's metadata says."""

    text: str
    known: Known


def declared_charset(content: bytes) -> str | None:
    """The encoding that a page says it has; it may be wrong."""
    found = _CHARSET.search(content[:_HEAD_BYTES])
    return found[1].decode("ascii") if found else None


def read_page(content: str, url: str | None) -> Page | None:
    """The article, or None if the page has none."""
    tree = load_html(content)
    if tree is None:
        return None
    _unfold_layout_tables(tree)
    standfirst = _standfirst(tree)
    found = trafilatura.bare_extraction(
        tree, url=url, with_metadata=True, include_comments=False, include_tables=True, config=_CONFIG
    )
    if found is None or isinstance(found, dict):
        return None
    text = found.text or ""
    if not text.strip():
        return None
    lines = [_row(line) for line in text.split("\n")]
    if standfirst and standfirst[:_LEAST_STANDFIRST] not in text:
        lines.insert(0, standfirst)
    known = Known(
        title=_headline(tree, found.title, found.sitename) if found.title else None,
        url=_declared_url(tree),
        author=found.author or None,
        publisher=found.sitename or None,
        published_at=datetime.fromisoformat(found.date).replace(tzinfo=UTC) if found.date else None,
    )
    return Page("\n\n".join(lines), known)


def _headline(tree: HtmlElement, title: str, site: str | None) -> str:
    """The title without the site's name: what of it the headline says, else what stands before the name."""
    headlines = (" ".join(element.text_content().split()) for element in tree.xpath("//h1"))
    for headline in headlines:
        if len(headline.split()) > 2 and (title.startswith(headline) or title.endswith(headline)):
            return headline
    start, bar, end = title.rpartition(" | ")
    return start if bar and site and end.startswith(site) else title


def _declared_url(tree: HtmlElement) -> str | None:
    urls = [*tree.xpath('//link[@rel="canonical"]/@href'), *tree.xpath('//meta[@property="og:url"]/@content')]
    return next((str(url).strip() for url in urls if re.match(r"\s*https?://", url)), None)


def _unfold_layout_tables(tree: HtmlElement) -> None:
    for table in tree.xpath("//table[not(.//th)]"):
        cells = table.xpath("./tr/td | ./tbody/tr/td")
        if any(len(cell.text_content()) > _LAYOUT_CELL for cell in cells):
            for element in (table, *table.xpath("./tbody | ./tr | ./tbody/tr"), *cells):
                element.tag = "div"


def _standfirst(tree: HtmlElement) -> str | None:
    """The first paragraph, if it stands apart from the others under the headline."""
    for element in tree.xpath("//h1/following::*[self::p or self::div or self::h2][@class or @itemprop]"):
        named = _STANDFIRST.search(f"{element.get('class')} {element.get('itemprop')}")
        if named and not element.xpath(".//img | .//picture | .//video"):  # what leads may be a picture
            text = " ".join(element.text_content().split())
            if _LEAST_STANDFIRST <= len(text) <= 5 * _LAYOUT_CELL:
                return text
    return None


def _row(line: str) -> str:
    """The cells of a table's row as one line of text; bars would make it look like navigation."""
    if not line.startswith("|"):
        return line
    return "; ".join(cell for cell in (cell.strip() for cell in line.split("|")) if cell.strip("-"))
