"""`stance-service topics`: set a cluster up, once, before the services start."""

from typing import Annotated

import typer

from shared import access, broker, rights
from shared.observability import configure_logging
from shared.settings import BrokerSettings, LogSettings
from shared.topics import ALL_TOPICS


def topics(
    acls: Annotated[
        bool, typer.Option("--acls", help="Also give each service its rights, see docs/security.md.")
    ] = False,
) -> None:
    """Create the topics that don't exist and verify those that do; with --acls as a super user of Kafka."""
    logs, settings = LogSettings(), BrokerSettings()
    configure_logging("stance-service topics", logs.log_level, logs.log_format)
    with broker.running(settings) as reachable:
        typer.echo(f"{len(ALL_TOPICS)} topics are as they have to be")
        if acls:
            found = sorted(rights.grants())
            access.grant(reachable, broker.inspector(reachable), found)
            typer.echo(f"{len(found)} rights of {len(rights.ROLES)} users are set")
