"""The addresses of a monitor."""

from crypitor.api.addresses import routes

OPERATIONS = (*routes.routes.operations,)
