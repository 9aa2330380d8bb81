"""Jobs: backfills and replays, and how far they have come."""

from crypitor.dashboard.jobs.routes import pages

__all__ = ["pages"]
