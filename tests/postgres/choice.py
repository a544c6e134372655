"""Which PostgreSQL the tests run against: the first of an address, this machine's binaries, a container."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer

from tests import images
from tests.postgres import server

IMAGE = os.environ.get("STANCE_TEST_POSTGRES_IMAGE", "postgres:17-alpine")

untested: list[str] = []
"""Why there was no PostgreSQL; shown at the end of the run."""


class NoPostgresError(Exception):
    """There is none to test against; says what each way to get one lacks."""


@contextmanager
def postgres() -> Iterator[tuple[str, str]]:
    """Address and password of a PostgreSQL."""
    if address := os.environ.get("STANCE_TEST_POSTGRES"):
        yield address, os.environ.get("STANCE_TEST_POSTGRES_PASSWORD", "")
    elif (no_server := server.missing()) is None:
        with server.postgresql() as address:
            yield address, server.PASSWORD
    elif (no_container := images.missing(IMAGE)) is None:
        with PostgresContainer(IMAGE, username=server.USER, password=server.PASSWORD) as container:
            place = f"{container.get_container_host_ip()}:{container.get_exposed_port(5432)}"
            yield f"postgresql://{server.USER}@{place}/{container.dbname}", server.PASSWORD
    else:
        engine = f"start a container engine ({no_container})"
        reason = f"set STANCE_TEST_POSTGRES to the address of one; or {no_server}; or {engine}"
        untested.append(reason)
        raise NoPostgresError(reason)
