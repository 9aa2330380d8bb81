"""Monitors: what is watched."""

from crypitor.api.monitors import routes

OPERATIONS = (*routes.routes.operations,)
