"""Tier 0: functions are translated to slot code at their first call and run by threaded handlers."""
