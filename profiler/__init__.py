"""Counters, events and the writers that export them."""
