"""Merge patches: what is taken away has to be something."""

import pytest

ENDPOINT = {
    "url": "https://example.com",
    "headers": {"X-Team": "a"},
    "quiet": {"most": 5, "window_seconds": 60},
}
MADE = {
    "/v1/monitors": {"networks": ["dev"], "severity": "error"},
    "/v1/endpoints": ENDPOINT,
    "/v1/projects": {"name": "x", "limits": {"monitors": 3}},
}


@pytest.mark.parametrize(
    ("path", "patch", "pointer", "meant"),
    [
        ("/v1/monitors", {"severty": None}, "/severty", "'severity'"),
        ("/v1/monitors", {"note": "n", "created_at": None}, "/created_at", ""),
        ("/v1/endpoints", {"descripton": None}, "/descripton", "'description'"),
        ("/v1/endpoints", {"quiet": {"window_second": None}}, "/quiet/window_second", "'window_s"),
        ("/v1/endpoints", {"success": {"statu": None}}, "/success/statu", "'status'"),
        ("/v1/projects", {"limits": {"monitor": None}}, "/limits/monitor", "'monitors'"),
        ("/v1/projects", {"operator": None}, "/operator", ""),
    ],
)
async def test_null_for_what_is_no_field_is_refused(api, path, patch, pointer, meant):
    """As any other value for it is, with what may have been meant; nothing is changed."""
    made = await api.made(path, MADE[path])
    answer, told = await api.call("PATCH", f"{path}/{made['id']}", json=patch)
    _, after = await api.call("GET", f"{path}/{made['id']}")

    assert answer.status == 400
    assert told["errors"][0]["pointer"] == pointer
    assert told["errors"][0]["detail"].startswith("there is no such field")
    assert meant in told["errors"][0]["detail"]
    assert {name: after[name] for name in after if name in MADE[path]} == {
        name: made[name] for name in after if name in MADE[path]
    }


@pytest.mark.parametrize("name", ["X-Team", "X-Nobody"])
async def test_any_header_may_be_taken_away(api, name):
    """Whether or not it is there: headers are the user's own."""
    made = await api.made("/v1/endpoints", ENDPOINT)
    answer, told = await api.call(
        "PATCH", f"/v1/endpoints/{made['id']}", json={"headers": {name: None}}
    )

    assert answer.status == 200
    assert name not in told["headers"]
