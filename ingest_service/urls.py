"""URLs of articles: the one to show, and what tells two of them apart. Pure.

A rule that is wrong about a site does harm only if the shortened URL is another article of it.
"""

import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from courlan import extract_domain
from url_normalize import url_normalize

_LONGEST = 4000
_TRACKING = re.compile(
    r"(?:utm|pk|mtm|matomo|piwik|hsa|itm|vero|oly|stm|wt|ns|at|sc|guce|trk|asc|cm|mkt|ml|mc|li|ga|gs|campaign)_\w+|utm\w+"
    r"|(?:fb|g|d|tw|tt|y|ys)clid|(?:msclk|(?:ir)?click|gbra|wbra|partner|aff|affiliate|igsh)id|igsh|gclsrc|rdt_cid|_gl|_ga"
    r"|_hsenc|_hsmi|hsctatracking|(?:nc|cmp|tra|wicked|ta|sm|s_c|o_c|gc_)id|smtyp|xtor|xtref|spm|srnd|sref|leadsource"
    r"|guccounter|__twitter_impression|ref_(?:src|url)|refer{1,2}er|fb_(?:action_ids|ref|source|comment_id)|mbid|ito"
    r"|icid|intcid|shared?|sharetype|sharetoken|unlocked_article_code|__cft__.*|__tn__|_openstat",
    re.IGNORECASE,
)
_SESSION = re.compile(r"(?:php|j|asp\.?net_)?sess(?:ion)?_?id\w*|cfid|cftoken|aspsessionid\w*", re.IGNORECASE)
_BY_VALUE = re.compile(
    r"(?:ref|source|src|from|feature|cmp|rss|via)=\D*|(?:s|sid|zenid|osc?sid)=[0-9a-f]{16,}", re.IGNORECASE
)
"""Names that may also hold the number of an article."""
_PATH_SESSION = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/;]*", re.IGNORECASE)

_CACHES = (
    re.compile(r"https?://[\w-]+\.cdn\.ampproject\.org/(?:c|v|wp|i)/(?P<secure>s/)?(?P<page>.+)"),
    re.compile(r"https?://(?:www\.)?google\.[a-z.]+/amp/(?P<secure>s/)?(?P<page>.+)"),
    re.compile(r"https?://(?:www\.)?bing-amp\.com/c/(?P<secure>s/)?(?P<page>.+)"),
)
_VARIANT_LABELS = frozenset({"www", "m", "mobile", "mobil", "amp", "touch", "wap", "print"})
_VARIANT_PATH = re.compile(
    r"^/(?:amp|print|mobile)(?=/.)|/(?:amp|print|drucken|imprimir|stampa|imprimer|mobile)(?=/?$)"
    r"|\.amp(?=(?:\.html?)?/?$)|[._-](?:print|druck)(?=\.html?$)|/(?:index|default)\.(?:html?|php|aspx?|jsp)$"
)
_VARIANT_QUERY = re.compile(
    r"(?:amp|print|printpage|printable|mobile|nomobile|singlepage|fullpage|showfull|noredirect|_amp|isprint)(?:=.*)?"
    r"|(?:output|outputtype|view|format|mode|layout|display|action|pagewanted|type|tmpl|version)="
    r"(?:amp(?:-type)?|print|printable|mobile|all|component)|m=[01]|usqp=.*|amp_.*",
    re.IGNORECASE,
)
_ARTICLE_SEGMENT = re.compile(r"\d{3,}|[^-_]+[-_][^-_]+[-_][^-_]+|.{25,}")


class NotWebError(ValueError):
    """The text is no address of a web page."""


@lru_cache(maxsize=512)
def canonical_url(url: str) -> str:
    """The URL in RFC 3986's normal form without tracking, session and fragment: it still leads to the page.

    Raises NotWebError for what is no http(s) URL.
    """
    parts = _split(_out_of_cache(url.strip()))
    query = "&".join(item for item in parts.query.split("&") if item and not _tracks(item))
    fragment = parts.fragment if parts.fragment.startswith("!/") else ""  # an early single-page application's route
    return urlunsplit((parts.scheme, parts.netloc, _PATH_SESSION.sub("", parts.path), query, fragment))


def page_key(url: str) -> str:
    """Equal for the desktop, mobile, AMP and print addresses of a page, with and without TLS; it is no URL."""
    parts = urlsplit(canonical_url(url))
    path = parts.path
    while (shorter := _VARIANT_PATH.sub("", path)) != path:
        path = shorter
    items = (item for item in parts.query.split("&") if item and not _VARIANT_QUERY.fullmatch(unquote(item)))
    query = "&".join(sorted(items))
    return f"{_plain_host(parts.netloc)}{path.rstrip('/')}{'?' if query else ''}{query}{parts.fragment}"


def same_site(one: str, other: str) -> bool:
    """True if both belong to one registered domain (`news.example.co.uk`, `www.example.co.uk`)."""
    return _site(one) == _site(other)


def looks_like_article(url: str) -> bool:
    """False for a home page or section (`/`, `/news/politics`): its last segment is no headline and has no number."""
    address, _, query = page_key(url).partition("?")
    last = address.partition("/")[2].rpartition("/")[2]
    return bool(_ARTICLE_SEGMENT.search(last) or re.search(r"=[^&]*\d", query))


def _split(url: str) -> SplitResult:
    if len(url) > _LONGEST or not re.match(r"https?://[^\s/?#]", url, re.IGNORECASE):
        raise NotWebError(f"{url[:100]!r} is no http(s) URL")
    try:
        base, _, fragment = url.partition("#")
        parts = urlsplit(str(url_normalize(base)))
        if not parts.hostname or parts.port == 0:
            raise NotWebError(f"{url[:100]!r} names no host")
    except ValueError as error:
        raise NotWebError(f"{url[:100]!r} is no http(s) URL: {error}") from error
    # Credentials are no part of what a page is, and have no place on a topic.
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=fragment)


def _out_of_cache(url: str) -> str:
    """The publisher's URL of a page in an AMP cache."""
    for cache in _CACHES:
        if match := cache.match(url):
            return f"http{'s' if match['secure'] else ''}://{match['page']}"
    return url


def _tracks(item: str) -> bool:
    name = unquote(item.partition("=")[0])
    return bool(_TRACKING.fullmatch(name) or _SESSION.fullmatch(name) or _BY_VALUE.fullmatch(item))


def _plain_host(netloc: str) -> str:
    labels = netloc.split(".")
    kept = [label for at, label in enumerate(labels) if label not in _VARIANT_LABELS or at >= len(labels) - 2]
    return ".".join(kept)


def _site(url: str) -> str:
    return str(extract_domain(url) or extract_domain(url, fast=True))
