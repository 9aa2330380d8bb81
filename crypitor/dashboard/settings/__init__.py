"""What is configured, to be read; secrets are not shown."""

from crypitor.dashboard.settings.routes import pages

__all__ = ["pages"]
