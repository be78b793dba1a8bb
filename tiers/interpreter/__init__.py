"""Tier 0: slot code and the handlers that run it."""
