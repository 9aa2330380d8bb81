"""The first page: what needs attention, where the networks stand, and what happened of late."""

from crypitor.dashboard.overview.routes import pages

__all__ = ["pages"]
