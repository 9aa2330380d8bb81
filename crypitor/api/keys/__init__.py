"""API keys."""

from crypitor.api.keys import routes

OPERATIONS = (*routes.routes.operations,)
