"""One request to an endpoint: any 2xx is a yes, all else is a no, and an answer's body is never read."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import httpx2

from stance_service.alerts.channels.base import DeliveryError

_LONGEST_WISH: Final = 24 * 3600


@dataclass(frozen=True)
class Poster:
    """`seconds` bound a whole attempt, however slowly the endpoint trickles. Redirects are not followed."""

    client: httpx2.AsyncClient
    seconds: float

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Raises DeliveryError; its words never have the URL, which may be a secret."""
        sent = {"content-type": "application/json", **(headers or {})}
        try:
            async with (
                asyncio.timeout(self.seconds),
                self.client.stream("POST", url, content=content, headers=sent, follow_redirects=False) as answer,
            ):
                status, wish = answer.status_code, answer.headers.get("retry-after", "")
        except TimeoutError:
            raise DeliveryError(f"no answer for {self.seconds:.0f} s") from None
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            seconds = min(int(wish), _LONGEST_WISH) if wish.isascii() and wish.isdigit() else 0
            raise DeliveryError(
                f"answered {status}", gone=status == HTTPStatus.GONE, retry_after=timedelta(seconds=seconds)
            )
