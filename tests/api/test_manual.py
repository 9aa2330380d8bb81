"""The documentation under /help: what was built is served, and nothing else."""

from crypitor.api.serving.manual import POLICY, pages_of


def site(folder):
    """A built site of three files, with a file beside it that is none of its own."""
    root = folder / "site"
    for name in ("index.html", "assets/a.js", "moving/index.html"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "secret").write_text("no page")
    (root / "out").symlink_to(folder)
    return root


def test_only_what_is_in_the_folder_has_an_address(tmp_path):
    """Nothing that an address could be made to climb to, also by a link."""
    found = pages_of(site(tmp_path))

    assert sorted(found) == ["assets/a.js", "index.html", "moving/index.html"]
    assert found["assets/a.js"].read_text() == "assets/a.js"


def test_a_folder_that_is_not_there_has_no_pages(tmp_path):
    """As in a checkout where nothing was built."""
    assert pages_of(tmp_path / "nowhere") == {}


def test_the_policy_lets_nothing_in_from_elsewhere():
    """Scripts and styles are files of the service; nothing is written into a page."""
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


async def test_a_page_that_is_not_there_is_a_sentence(api):
    """404 with the way on, whether the pages were built or not."""
    start, _ = await api.call("GET", "/help", allow_redirects=False)
    answer, told = await api.call("GET", "/help/nowhere.html")
    above, _ = await api.call("GET", "/help/..%2f..%2fpyproject.toml")

    assert (start.status, start.headers["Location"]) == (302, "/help/")
    assert (answer.status, above.status) == (404, 404)
    assert "the documentation" in told["detail"]
