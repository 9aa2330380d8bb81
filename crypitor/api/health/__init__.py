"""Whether the process lives and works."""

from crypitor.api.health import routes

OPERATIONS = (*routes.routes.operations,)
