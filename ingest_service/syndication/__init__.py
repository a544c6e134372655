"""Feeds and sitemaps as values: what publishers say there is to read. Pure; the bytes may be anything."""
