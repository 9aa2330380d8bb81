"""Deliveries: each phase of a match on its way to an endpoint."""

from crypitor.dashboard.deliveries.routes import pages

__all__ = ["pages"]
