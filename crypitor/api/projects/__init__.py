"""Projects: what owns monitors, endpoints, matches and keys."""

from crypitor.api.projects import routes

OPERATIONS = (*routes.routes.operations,)
