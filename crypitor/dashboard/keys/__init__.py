"""API keys and projects."""

from crypitor.dashboard.keys.routes import pages

__all__ = ["pages"]
