"""The networks that are followed."""

from crypitor.dashboard.networks.routes import pages

__all__ = ["pages"]
