"""Gauges: where balances and views stand, and what they showed."""

from crypitor.api.gauges import routes

OPERATIONS = (*routes.routes.operations,)
"""What the API answers of gauges."""
