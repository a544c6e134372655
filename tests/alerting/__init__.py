"""Alerts delivered to real servers on local ports."""
