"""Networks and their nodes."""

from crypitor.api.networks import routes

OPERATIONS = (*routes.routes.operations,)
