"""Observations, positions and changes as tables and as networks, for other programs."""
