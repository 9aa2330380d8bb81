"""API keys."""

from crypitor.dashboard.keys.routes import pages

__all__ = ["pages"]
