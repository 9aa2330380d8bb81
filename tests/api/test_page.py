"""The documentation page; the other pages have tests of their own in tests/dashboard."""

from tests.dashboard.conftest import Html


async def test_the_documentation_fetches_from_this_server_alone(api):
    """All the page refers to is served here; nothing stands inline; the policy allows no more."""
    answer, text = await api.call("GET", "/docs")

    page = Html(text)
    statuses = [(await api.call("GET", url))[0].status for url in page.fetched]
    policy = answer.headers["Content-Security-Policy"]
    assert page.fetched
    assert all(url.startswith("/") for url in page.fetched)
    assert statuses == [200] * len(page.fetched)
    assert page.inline == []
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_only_the_two_files_of_swagger_ui_are_served(api):
    """Of the installed package nothing but what the page needs can be fetched."""
    served = [
        (await api.call("GET", f"/docs/{name}"))[0].status
        for name in (
            "swagger-ui.css",
            "swagger-editor.js",
            "..%2fcore.py",
            "swagger-ui-bundle.js.map",
        )
    ]

    assert served == [200, 404, 404, 404]
