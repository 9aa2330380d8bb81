"""The log of what was told, to be read and to be followed."""

from crypitor.api.events import routes, stream

OPERATIONS = (*routes.routes.operations, *stream.routes.operations)
