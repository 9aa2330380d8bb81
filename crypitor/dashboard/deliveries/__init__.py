"""Deliveries: each phase of a match on its way to an endpoint."""

from crypitor.dashboard.deliveries.replaying import pages

__all__ = ["pages"]
