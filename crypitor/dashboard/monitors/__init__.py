"""Monitors: the list, the form for every kind of rule, addresses, tests, backfills."""

from crypitor.dashboard.monitors.editing import pages

__all__ = ["pages"]
