"""Endpoints: who is told, how, and how well that goes."""

from crypitor.dashboard.endpoints.routes import pages

__all__ = ["pages"]
