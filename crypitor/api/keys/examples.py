"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import KEY_ID, PROJECT_ID, TIME, Examples, page

KEY: dict[str, Any] = {
    "id": KEY_ID,
    "project": PROJECT_ID,
    "name": "grafana",
    "scope": "read",
    "created_at": TIME,
    "expires_at": None,
    "last_used_at": TIME,
    "revoked_at": None,
}

EXAMPLES = Examples(
    bodies={
        "add_key": {"name": "grafana", "scope": "read"},
        "rotate_key": {"overlap_seconds": 3600},
    },
    answers={
        "add_key": {**KEY, "secret": f"{KEY_ID}_9bXk3mQ7…"},
        "rotate_key": {**KEY, "secret": f"{KEY_ID}_9bXk3mQ7…"},
        "read_keys": page(KEY),
        "remove_key": {"id": KEY_ID, "deleted": True},
    },
)
