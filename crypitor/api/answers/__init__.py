"""What the API answers, as types: checked by mypy, documented from here."""
