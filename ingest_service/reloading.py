"""Follow the file of sources while it is edited."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from ingest_service.configuration import Configuration, ConfigurationError, read_configuration

LOOK_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


async def configurations(path: Path) -> AsyncIterator[Configuration]:
    """The configuration, and again whenever it has changed; while the file is wrong, the last right one stays.

    Raises ConfigurationError if it is wrong from the beginning.
    """
    known = read_configuration(path)
    complaint: str | None = None
    yield known
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            found = await asyncio.to_thread(read_configuration, path)
        except ConfigurationError as error:
            if str(error) != complaint:
                complaint = str(error)
                _log.error("the sources stay as they were: %s", complaint)
            continue
        complaint = None
        if found != known:
            known = found
            _log.info("%s has changed: %d sources", path, len(found.sources))
            yield found
