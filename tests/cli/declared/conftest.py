"""The application of the API's tests, and files for it."""

import pytest

from crypitor.cli.declared.apply import apply_files, export_text
from crypitor.cli.declared.remote import Remote
from tests.api.conftest import api, context, poster, woken

__all__ = ["api", "context", "poster", "woken"]


class Declared:
    """What `crypitor apply` and `crypitor export` do, in this process.

    told: the lines of the last run.
    """

    def __init__(self, api, folder):
        self.api = api
        self.folder = folder
        self.told = []

    async def apply(self, text, *, name="crypitor.toml", environ=(), prune=False, dry_run=False):
        """Apply a text; return the last line, which counts."""
        path = self.folder / name
        path.write_text(text)
        return await self.apply_all([str(path)], dict(environ), prune=prune, dry_run=dry_run)

    async def apply_all(self, names, environ=None, *, prune=False, dry_run=False):
        self.told = []
        await apply_files(
            names, Remote(self.api.url, self.api.admin), self.told.append,
            prune=prune, dry_run=dry_run, environ=environ or {},
        )  # fmt: skip
        return self.told[-1]

    async def lines(self, text, **options):
        """Apply a text; return all lines."""
        path = self.folder / "crypitor.toml"
        path.write_text(text)
        options = {"prune": False, "dry_run": False, **options}
        remote = Remote(self.api.url, self.api.admin)
        self.told = []
        await apply_files([str(path)], remote, self.told.append, environ={}, **options)
        return self.told

    async def export(self, form="toml"):
        return await export_text(Remote(self.api.url, self.api.admin), form)

    async def listed(self, table):
        """All monitors or endpoints as the API answers them one by one, sorted by their names."""
        _, page = await self.api.call("GET", f"/v1/{table}?limit=1000")
        whole = [(await self.api.call("GET", f"/v1/{table}/{e['id']}"))[1] for e in page["data"]]
        return sorted(
            whole, key=lambda e: e.get("name") or e.get("description") or e.get("url", "")
        )


@pytest.fixture
def declared(api, tmp_path):
    """Return the commands, for the application."""
    return Declared(api, tmp_path)
