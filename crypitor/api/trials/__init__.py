"""What a monitor would match, and why it would not."""

from crypitor.api.trials import routes

OPERATIONS = (*routes.routes.operations,)
