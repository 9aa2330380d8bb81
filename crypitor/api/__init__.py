"""The REST API: what it is given, and the application that is made of it."""

from crypitor.api.build import SERVER_OPTIONS, build
from crypitor.api.serving.context import Context, NetworkFacts, WatchIndex

__all__ = ["SERVER_OPTIONS", "Context", "NetworkFacts", "WatchIndex", "build"]
