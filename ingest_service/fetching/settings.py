"""Settings of fetching, read from the environment (`STANCE_FETCH_...`) by `__main__` alone."""

from importlib.metadata import version

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROBOT = "Stancewatch"
"""The name that robots.txt files know us by."""


class FetchSettings(BaseSettings):
    """How, how fast and how much is fetched from other people's servers."""

    model_config = SettingsConfigDict(env_prefix="STANCE_FETCH_", frozen=True, extra="ignore")

    contact: str = Field(
        "",
        pattern=r"^[!-'*-~]*$",  # printable, no blanks or parentheses: it stands in a header's comment
        description="URL or e-mail address where site owners reach you; sent along in `User-Agent`.",
    )
    max_bytes: int = Field(
        10 * 1024 * 1024, gt=0, description="The largest page or feed that is read, as sent and decompressed."
    )
    max_redirects: int = Field(10, ge=0, description="Redirects followed before we give up.")
    timeout_seconds: float = Field(60.0, gt=0, description="How long one answer may take altogether.")
    attempts: int = Field(3, ge=1, description="Requests until a server's error or silence is believed.")
    backoff_seconds: float = Field(1.0, gt=0, description="Longest wait before the second attempt; doubles each time.")
    max_wait_seconds: float = Field(
        60.0, ge=0, description="A server that asks for a longer wait (`Retry-After`, `Crawl-delay`) is left for later."
    )
    host_concurrency: int = Field(2, ge=1, description="Requests to one host at the same time.")
    host_interval_seconds: float = Field(
        1.0,
        ge=0,
        description="Least time from one request to a host to the next; its `Crawl-delay` prevails if longer.",
    )

    @property
    def user_agent(self) -> str:
        """Who we are and how to reach who runs us."""
        contact = f" (+{self.contact})" if self.contact else ""
        return f"{ROBOT}/{version('stancewatch')}{contact}"
