"""The reference of the REST API, drawn from its OpenAPI document; it needs no session."""

from crypitor.dashboard.reference.routes import add_reference

__all__ = ["add_reference"]
