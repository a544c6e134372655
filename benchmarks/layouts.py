"""Layouts of constructed pages: each puts an article's paragraphs among what a kind of site puts around them.

A layout returns the page's body and the paragraphs that an extractor should find, headline not included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

Chrome = dict[str, Any]
Gold = list[str]


@dataclass(frozen=True)
class Story:
    """An article and the words that surround it on a page."""

    title: str
    paragraphs: list[str]
    chrome: Chrome

    @property
    def middle(self) -> int:
        return max(1, len(self.paragraphs) // 2)


Layout = Callable[[Story], tuple[str, Gold]]


def p(texts: list[str], attributes: str = "") -> str:
    return "".join(f"<p{attributes}>{escape(text)}</p>\n" for text in texts)


def links(texts: list[str], kind: str = "ul") -> str:
    return (
        f"<{kind}>"
        + "".join(f'<li><a href="/x/{at}">{escape(text)}</a></li>' for at, text in enumerate(texts))
        + f"</{kind}>"
    )


def header(chrome: Chrome) -> str:
    return f'<header class="site-header"><a class="logo" href="/">Example</a><nav class="main-nav">{links(chrome["nav"])}</nav></header>'


def footer(chrome: Chrome) -> str:
    return f'<footer class="site-footer">{links(chrome["footer"][:-1])}<p>{escape(chrome["footer"][-1])}</p></footer>'


def share(chrome: Chrome) -> str:
    return f'<div class="share-tools">{links(chrome["share"])}</div>'


def related(chrome: Chrome, tag: str = "aside") -> str:
    return f'<{tag} class="related"><h3>{escape(chrome["related_title"])}</h3>{links(chrome["related"])}</{tag}>'


def comments(chrome: Chrome, section: str = 'section id="comments"') -> str:
    items = "".join(
        f'<div class="comment"><b class="user">{escape(name)}</b> <span>{escape(when)}</span><p>{escape(", ".join(text))}</p></div>'
        for name, when, *text in chrome["comments"]
    )
    return f"<{section}><h3>{escape(chrome['comments_title'])}</h3>{items}</{section.split(maxsplit=1)[0]}>"


def byline(chrome: Chrome) -> str:
    name = escape(chrome["author"][0])
    return f'<div class="byline">{chrome["by"]} <a rel="author" href="/a">{name}</a> <time datetime="2024-03-14T18:05:00Z">{chrome["published"]}</time> <span>{chrome["minutes"]}</span></div>'


def newspaper(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    body = f"""{header(c)}<main><article><h1>{escape(story.title)}</h1>{byline(c)}{share(c)}
    <figure><img src="a.jpg" alt=""><figcaption>{escape(c["caption"])}</figcaption></figure>
    <div class="article-body">{p(story.paragraphs)}</div><ul class="tags">{"".join(f"<li>{tag}</li>" for tag in c["tags"])}</ul>
    </article>{related(c)}</main>{footer(c)}"""
    return body, story.paragraphs


def consent_wall(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    buttons = "".join(f"<button>{label}</button>" for label in c["accept"])
    body = f"""<div id="cmp-overlay" role="dialog"><p>{escape(c["cookies"])}</p>{buttons}</div>{header(c)}
    <article><h1>{escape(story.title)}</h1>{p(story.paragraphs[: story.middle])}
    <div class="newsletter-signup"><h4>Newsletter</h4><p>{escape(c["letter"])}</p><form><input type="email"><button>OK</button></form></div>
    {p(story.paragraphs[story.middle :])}</article>{footer(c)}"""
    return body, story.paragraphs


def live_blog(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    entries = "".join(
        f'<div class="liveblog-entry" id="e{at}"><time>{18 - at}:05</time><p>{escape(text)}</p>{share(c)}</div>'
        for at, text in enumerate(story.paragraphs)
    )
    return (
        f'{header(c)}<main><h1>{escape(story.title)}</h1><div class="liveblog">{entries}</div></main>{footer(c)}',
        story.paragraphs,
    )


def paywall(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    shown = story.paragraphs[: story.middle + 1]
    offer = p(c["paywall"])
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{byline(c)}<div class="teaser">{p(shown)}</div>
    <div class="paywall-offer">{offer}</div></article>{related(c)}{footer(c)}"""
    return body, shown


def amp(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    ad = f'<amp-ad width="300" height="250" type="doubleclick"></amp-ad><small>{c["ad"]}</small>'
    body = f"""<amp-sidebar id="menu">{links(c["nav"])}</amp-sidebar><main id="content"><h1>{escape(story.title)}</h1>{byline(c)}
    <amp-social-share type="twitter"></amp-social-share>{p(story.paragraphs[:1])}{ad}{p(story.paragraphs[1:])}
    <amp-consent><div>{escape(c["cookies"])}</div></amp-consent></main>{footer(c)}"""
    return body, story.paragraphs


def commented(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    body = f"""{header(c)}<div class="content"><h1>{escape(story.title)}</h1><div class="text">{p(story.paragraphs)}</div>{share(c)}
    {comments(c, 'div class="kommentarbereich"')}</div>{footer(c)}"""
    return body, story.paragraphs


def teasers_between(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    parts = []
    for at, text in enumerate(story.paragraphs):
        parts.append(p([text]))
        if at < len(c["related"]):
            title, teaser = escape(c["related_title"]), escape(c["related"][at])
            parts.append(f'<p class="inline-teaser"><strong>{title}:</strong> <a href="/x/{at}">{teaser}</a></p>')
    return f"{header(c)}<article><h1>{escape(story.title)}</h1>{''.join(parts)}</article>{footer(c)}", story.paragraphs


def with_table(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in c["table"])
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{p(story.paragraphs[: story.middle])}<table>{rows}</table>
    {p(story.paragraphs[story.middle :])}</article>{footer(c)}"""
    cells = [" ".join(row) for row in c["table"]]
    return body, [*story.paragraphs[: story.middle], *cells, *story.paragraphs[story.middle :]]


def pull_quotes(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    quote = max(story.paragraphs, key=len).split(". ")[0]
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{p(story.paragraphs[:1])}
    <aside class="pullquote"><p>{escape(quote)}</p></aside>{p(story.paragraphs[1:])}</article>{footer(c)}"""
    return body, story.paragraphs


def pasted_from_word(story: Story) -> tuple[str, Gold]:
    paragraphs = "".join(
        f'<p class=MsoNormal style="margin-bottom:0cm"><span lang=X style=\'font-size:11.0pt;font-family:"Calibri"\'>'
        f"{escape(text).replace(' ', '&nbsp; ', 1)}<o:p></o:p></span></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
        for text in story.paragraphs
    )
    head = "<!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]-->"
    return (
        f"{head}<div class=WordSection1><p class=MsoTitle>{escape(story.title)}</p>{paragraphs}</div>",
        story.paragraphs,
    )


def wordpress(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    name, *about = c["author"]
    body = f"""{header(c)}<div id="primary"><main><article class="post type-post hentry"><header class="entry-header">
    <h1 class="entry-title">{escape(story.title)}</h1><div class="entry-meta">{byline(c)}</div></header>
    <div class="entry-content">{p(story.paragraphs)}<div class="sharedaddy sd-sharing-enabled"><h3 class="sd-title">{c["share"][0]}</h3>{share(c)}</div></div>
    </article><div class="author-bio"><h4>{escape(name)}</h4><p>{escape(", ".join(about))}</p></div>
    <div id="jp-relatedposts">{related(c, "div")}</div>{comments(c)}</main></div>{footer(c)}"""
    return body, story.paragraphs


def table_layout(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    text = "<br><br>\n".join(escape(paragraph) for paragraph in story.paragraphs)
    menu = "<br>".join(f'<a href="/{at}">{item}</a>' for at, item in enumerate(c["nav"]))
    body = f"""<table width="760" border="0"><tr><td width="140" valign="top" bgcolor="#eeeeee"><font size="1">{menu}</font></td>
    <td valign="top"><font face="Arial" size="4"><b>{escape(story.title)}</b></font><br><br><font face="Arial" size="2">{text}</font></td></tr>
    <tr><td colspan="2"><font size="1">{escape(" | ".join(c["footer"]))}</font></td></tr></table>"""
    return body, story.paragraphs


def div_soup(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    blocks = "".join(
        f'<div class="css-1x{at}"><span class="css-9q">{escape(text)}</span></div>'
        for at, text in enumerate(story.paragraphs)
    )
    body = f"""<div id="root"><div class="css-nav">{links(c["nav"])}</div><div class="css-main"><h1 class="css-h">{escape(story.title)}</h1>
    {blocks}<div class="css-share">{links(c["share"])}</div></div><div class="css-foot">{links(c["footer"])}</div></div>"""
    return body, story.paragraphs


def press_release(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    body = f"""{header(c)}<div class="press-release"><h1>{escape(story.title)}</h1><div class="pr-body">{p(story.paragraphs)}<p>###</p>
    <p>{escape(c["contact"])}</p></div></div>{footer(c)}"""
    return body, story.paragraphs


def illustrated(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    figure = f'<figure><img data-src="b.jpg"><noscript><img src="b.jpg"></noscript><figcaption>{escape(c["caption"])}</figcaption></figure>'
    parts = figure.join(p([text]) for text in story.paragraphs)
    return f"{header(c)}<article><h1>{escape(story.title)}</h1>{parts}</article>{footer(c)}", story.paragraphs


def interview(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    parts, gold = [p(story.paragraphs[:1])], story.paragraphs[:1]
    for at, text in enumerate(story.paragraphs[1:]):
        if at < len(c["question"]):
            parts.append(f"<p><strong>{escape(c['question'][at])}</strong></p>")
            gold = [*gold, c["question"][at]]
        parts.append(p([text]))
        gold = [*gold, text]
    return f"{header(c)}<article><h1>{escape(story.title)}</h1>{''.join(parts)}</article>{footer(c)}", gold


def listed(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    first, *rest = story.paragraphs
    items = "".join(f"<li>{escape(text)}</li>" for text in rest)
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{p([first])}<h2>{escape(c["subheads"][0])}</h2><ul>{items}</ul>
    {share(c)}</article>{footer(c)}"""
    return body, [first, c["subheads"][0], *rest]


def standfirst(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    first, *rest = story.paragraphs
    body = f"""{header(c)}<main><div class="headline-block"><h1>{escape(story.title)}</h1><p class="standfirst">{escape(first)}</p></div>
    {byline(c)}<div class="body-copy" itemprop="articleBody">{p(rest)}</div></main>{related(c)}{footer(c)}"""
    return body, story.paragraphs


def newsletter(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    cells = "".join(f'<tr><td style="padding:12px">{escape(text)}</td></tr>' for text in story.paragraphs)
    body = f"""<table align="center" width="600"><tr><td align="center"><a href="/v">{escape(c["browser"])}</a></td></tr>
    <tr><td><h1>{escape(story.title)}</h1></td></tr>{cells}<tr><td><small>{escape(c["unsubscribe"])}</small></td></tr></table>"""
    return body, story.paragraphs


def brief(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    body = f"""{header(c)}{related(c)}<article><h1>{escape(story.title)}</h1>{byline(c)}{p(story.paragraphs[:1])}</article>{share(c)}
    {related(c, "section")}{comments(c)}{footer(c)}"""
    return body, story.paragraphs[:1]


def advertised(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    ad = f'<div class="ad-slot"><span>{c["ad"]}</span><div id="gpt-1"></div></div>'
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{ad.join(p([text]) for text in story.paragraphs)}</article>{footer(c)}
    <script>googletag.cmd.push(function() {{ googletag.display("gpt-1"); }});</script>"""
    return body, story.paragraphs


def endless(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    title, *text = c["next_article"]
    body = f"""{header(c)}<article id="a1"><h1>{escape(story.title)}</h1>{p(story.paragraphs)}</article>
    <article id="a2" class="next-article"><h1>{escape(title)}</h1>{p(text)}</article>{footer(c)}"""
    return body, story.paragraphs


def corrected(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    at = story.middle
    body = f"""{header(c)}<article><h1>{escape(story.title)}</h1>{p(story.paragraphs[:at])}<h2>{escape(c["subheads"][1])}</h2>
    {p(story.paragraphs[at:])}<p><em>{escape(c["correction"])}</em></p>{share(c)}</article>{footer(c)}"""
    return body, [*story.paragraphs[:at], c["subheads"][1], *story.paragraphs[at:], c["correction"]]


def quoted(story: Story) -> tuple[str, Gold]:
    c = story.chrome
    at = story.middle
    body = f"""{header(c)}<section class="story"><h2 class="kicker">{c["tags"][0]}</h2><h1>{escape(story.title)}</h1>
    {p(story.paragraphs[:at])}<blockquote><p>{escape(story.paragraphs[at])}</p></blockquote>{p(story.paragraphs[at + 1 :])}
    <p class="agency">(dpa/AFP)</p></section>{related(c)}{footer(c)}"""
    return body, story.paragraphs


LAYOUTS: tuple[Layout, ...] = (
    newspaper, consent_wall, live_blog, paywall, amp, commented, teasers_between, with_table, pull_quotes, pasted_from_word,
    wordpress, table_layout, div_soup, press_release, illustrated, interview, listed, standfirst, newsletter, brief,
    advertised, endless, corrected, quoted,
)  # fmt: skip
