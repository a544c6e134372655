"""Backends that decide which positions an article shows, behind one protocol."""
