"""Projects: what they use of their limits, and working in another one."""

from crypitor.dashboard.projects.routes import pages

__all__ = ["pages"]
