"""Matches: live, filtered, and the whole story of one."""

from crypitor.dashboard.matches.routes import pages

__all__ = ["pages"]
