"""What runs here: version, health, roles, settings of the whole."""

from crypitor.dashboard.about.routes import pages

__all__ = ["pages"]
