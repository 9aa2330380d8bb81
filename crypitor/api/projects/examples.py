"""Examples for the OpenAPI document; a test holds them against their schemas."""

from crypitor.api.serving.examples import PROJECT_ID, TIME, Examples, page

PROJECT = {"id": PROJECT_ID, "name": "accounting", "created_at": TIME}

EXAMPLES = Examples(
    bodies={
        "add_project": {"name": "accounting"},
    },
    answers={
        "add_project": PROJECT,
        "read_projects": page(PROJECT),
    },
)
