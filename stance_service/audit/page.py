"""An explanation as one HTML page that needs nothing else. Pure, but for its template."""

from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from stance_service.audit.explanation import Explanation
from stance_service.report import words

_environment: Final = Environment(
    loader=PackageLoader("stance_service.audit"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(explanation: Explanation, made_at: datetime) -> str:
    """Everything in it is text to the browser, whatever articles hold."""
    return _environment.get_template("explanation.html.j2").render(
        it=explanation, change=explanation.change, made_at=made_at, words=words, link=_link
    )


def _link(url: str | None) -> str | None:
    """An address that may be followed."""
    return url if url and url.startswith(("https://", "http://")) else None
