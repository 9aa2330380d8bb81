"""The audit: who did what, when."""

from crypitor.api.audit import routes

OPERATIONS = (*routes.routes.operations,)
