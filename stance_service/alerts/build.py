"""Construct channels from what a file of rules says, and read their secrets."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
from standardwebhooks.webhooks import Webhook

from shared.errors import PermanentError
from stance_service.alerts.channels.alertmanager import AlertmanagerChannel
from stance_service.alerts.channels.base import Channel
from stance_service.alerts.channels.email import EmailChannel
from stance_service.alerts.channels.http import Poster
from stance_service.alerts.channels.slack import SlackChannel
from stance_service.alerts.channels.webhook import WebhookChannel
from stance_service.alerts.retrying import Patience
from stance_service.alerts.specs import AlertmanagerSpec, ChannelSpec, EmailSpec, SlackSpec, WebhookSpec
from stance_service.settings import AlertSettings

_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_LONGEST: Final = 64
"""Bytes of a secret, as the Standard Webhooks specification has it."""


def channels(specs: Mapping[str, ChannelSpec], client: httpx2.AsyncClient, seconds: float) -> dict[str, Channel]:
    """By name; raises PermanentError for a secret that can't be read or used. Nothing connects yet."""
    return {name: _channel(name, spec, Poster(client, seconds)) for name, spec in specs.items()}


def patience(settings: AlertSettings) -> Patience:
    """As configured."""
    return Patience(
        first_pause=timedelta(seconds=settings.first_pause_seconds),
        longest_pause=timedelta(seconds=settings.longest_pause_seconds),
        give_up=timedelta(seconds=settings.give_up_seconds),
        disable=timedelta(seconds=settings.disable_seconds),
    )


def _channel(name: str, spec: ChannelSpec, poster: Poster) -> Channel:
    match spec:
        case WebhookSpec():
            return WebhookChannel(poster, str(spec.url), _signer(name, spec.secret_file))
        case AlertmanagerSpec():
            return AlertmanagerChannel(poster, str(spec.url))
        case SlackSpec():
            return SlackChannel(poster, _address(name, spec.url_file))
        case EmailSpec():
            password = _secret(name, "password_file", spec.password_file) if spec.password_file else None
            return EmailChannel(spec, password, poster.seconds)


def _signer(name: str, file: Path) -> Webhook:
    text = _secret(name, "secret_file", file).removeprefix(_PREFIX)
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if not _SHORTEST <= len(secret) <= _LONGEST:
        raise PermanentError(
            f"channel {name}, secret_file: {file} holds no secret of a webhook; allowed is {_PREFIX} and {_SHORTEST} "
            f"to {_LONGEST} bytes in Base64, as `echo {_PREFIX}$(openssl rand -base64 32)` makes it"
        )
    return Webhook(secret)


def _address(name: str, file: Path) -> str:
    url = _secret(name, "url_file", file)
    if not url.startswith(("https://", "http://")):
        raise PermanentError(f"channel {name}, url_file: {file} holds no address; allowed is https://...")
    return url


def _secret(name: str, field: str, file: Path) -> str:
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"channel {name}, {field}: {file}: {error}") from error
    if not found:
        raise PermanentError(f"channel {name}, {field}: {file} is empty")
    return found
