"""Pages from other people's servers: politely, and safe from what they may do.

Made by `Fetcher(settings, VettedNetwork(hosts))`, where `hosts` are those that may have private addresses.
"""

from ingest_service.fetching.answers import Fetched, NotModified, Validators
from ingest_service.fetching.fetcher import PAGE, Fetcher
from ingest_service.fetching.network import VettedNetwork
from ingest_service.fetching.settings import FetchSettings
from ingest_service.fetching.sniff import Kind

__all__ = ["PAGE", "FetchSettings", "Fetched", "Fetcher", "Kind", "NotModified", "Validators", "VettedNetwork"]
