"""Endpoints: who is told, and how."""

from crypitor.api.endpoints import ping, rotation, routes

OPERATIONS = (
    *routes.routes.operations,
    *rotation.routes.operations,
    *ping.routes.operations,
)
