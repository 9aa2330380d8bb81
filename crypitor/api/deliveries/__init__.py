"""Deliveries and their attempts."""

from crypitor.api.deliveries import attempts, retry, routes

OPERATIONS = (
    *routes.routes.operations,
    *retry.routes.operations,
    *attempts.routes.operations,
)
