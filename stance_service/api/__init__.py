"""Stance changes over HTTP, as they come."""
