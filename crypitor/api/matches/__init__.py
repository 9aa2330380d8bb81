"""Matches: what answered a monitor."""

from crypitor.api.matches import routes

OPERATIONS = (*routes.routes.operations,)
