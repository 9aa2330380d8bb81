"""The configuration: read again without a restart."""

from crypitor.api.configuration import routes

OPERATIONS = (*routes.routes.operations,)
