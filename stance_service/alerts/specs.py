"""Channels as a file of rules describes them. Secrets are in files of their own, one a file."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AnyHttpUrl, Field

from stance_service.alerts.rules import Part

Address = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]


class WebhookSpec(Part):
    """An endpoint of the Standard Webhooks specification; the file holds its secret, `whsec_...`."""

    kind: Literal["webhook"]
    url: AnyHttpUrl
    secret_file: Path


class AlertmanagerSpec(Part):
    """A Prometheus Alertmanager; the path of its API v2 is added to `url`."""

    kind: Literal["alertmanager"]
    url: AnyHttpUrl


class SlackSpec(Part):
    """An incoming webhook as Slack, Mattermost and others have them. Its address is the secret in the file."""

    kind: Literal["slack"]
    url_file: Path


class EmailSpec(Part):
    """A server that takes mail by SMTP."""

    kind: Literal["email"]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    sender: Annotated[Address, Field(alias="from")]
    to: Annotated[tuple[Address, ...], Field(min_length=1)]


ChannelSpec: TypeAlias = Annotated[WebhookSpec | AlertmanagerSpec | SlackSpec | EmailSpec, Field(discriminator="kind")]
SPECS: dict[str, type[Part]] = {
    "webhook": WebhookSpec,
    "alertmanager": AlertmanagerSpec,
    "slack": SlackSpec,
    "email": EmailSpec,
}
