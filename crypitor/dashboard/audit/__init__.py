"""The audit: who changed what, and read which secret."""

from crypitor.dashboard.audit.routes import pages

__all__ = ["pages"]
