"""Webhooks as declarations, of which their documentation is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Webhook:
    """One type of what endpoints are sent.

    type: as in its body. body: the type of the body; its docstring is the summary.
    """

    type: str
    body: Any
    example: Mapping[str, Any]
