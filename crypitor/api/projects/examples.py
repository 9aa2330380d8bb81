"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import PROJECT_ID, TIME, Examples, page

LIMITS: dict[str, Any] = {
    "monitors": 100,
    "rules_cost": None,
    "addresses": None,
    "endpoints": None,
    "deliveries_per_day": 10_000,
    "requests_per_second": 20,
    "backfill_blocks_per_day": None,
}
PROJECT = {
    "id": PROJECT_ID,
    "name": "accounting",
    "operator": False,
    "limits": LIMITS,
    "created_at": TIME,
}
USED = {"monitors": 3, "rules_cost": 12, "deliveries_per_day": 1_204}

EXAMPLES = Examples(
    bodies={
        "add_project": {"name": "accounting", "limits": {"monitors": 100}},
        "change_project": {"limits": {"monitors": 200}},
    },
    answers={
        "add_project": PROJECT,
        "read_projects": page(PROJECT),
        "read_project": PROJECT,
        "change_project": PROJECT,
        "remove_project": {"id": PROJECT_ID, "deleted": True},
        "read_usage": {
            "project": PROJECT_ID,
            "limits": {
                name: {
                    "limit": limit,
                    "used": None if name == "requests_per_second" else USED.get(name, 0),
                }
                for name, limit in LIMITS.items()
            },
            "day_ends_at": TIME,
        },
    },
)
