from collections.abc import AsyncIterator

import pytest

from crypitor.client import Client
from tests.api.conftest import Api, api, context, migrated, poster, woken  # noqa: F401 - fixtures


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On SQLite: the client does not know the database."""
    if "migrated" in metafunc.fixturenames:
        metafunc.parametrize("migrated", ["sqlite"], indirect=True)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[Client]:  # noqa: F811
    async with Client(api.url, api.admin) as client:
        yield client
