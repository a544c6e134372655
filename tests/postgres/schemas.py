"""A place of its own for each test in one PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg


@contextmanager
def schema(address: str, password: str) -> Iterator[str]:
    """An address under which there are no tables yet; dropped at the end."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(address, password=password, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{address}?options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
