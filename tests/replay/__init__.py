"""Replays: what would be said now of what was recorded then."""
