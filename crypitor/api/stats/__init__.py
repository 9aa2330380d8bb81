"""What happened, counted by minute and hour."""

from crypitor.api.stats import routes

OPERATIONS = (*routes.routes.operations,)
"""What the API answers of statistics."""
