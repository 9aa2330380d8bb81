"""Deliveries and their attempts."""

from crypitor.api.deliveries import retry, routes

OPERATIONS = (
    *routes.routes.operations,
    *retry.routes.operations,
)
