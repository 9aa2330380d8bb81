"""What is configured, shown without its secrets, and what runs."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from pydantic import BaseModel, SecretStr

from crypitor.api import SERVER_OPTIONS, build
from crypitor.config import load
from crypitor.config.shown import settings_of
from crypitor.config.types import Config
from crypitor.database.keys import Scope
from crypitor.database.room import Room, room_of
from tests.dashboard.conftest import Browser

KEY = "c2VjcmV0LXRoYXQtc2VhbHMtYWxsLXNlY3JldHMtMTI="
SECRETS = {
    "CRYPITOR__API__ADMIN_KEY": "hidden-admin-key-hidden-admin-key-hidden",
    "CRYPITOR__DATABASE__URL": "postgresql://me:hidden-password@db.example:5432/hidden-name",
    "CRYPITOR__QUEUE__USERNAME": "kafka-user",
    "CRYPITOR__QUEUE__PASSWORD": "hidden-kafka",
    "CRYPITOR__WEBHOOK__SECRETS_KEY": KEY,
    "CRYPITOR__WEBHOOK__PROXY": "http://me:hidden-proxy@proxy.example:3128",
    "CRYPITOR__NETWORKS__ETHEREUM__RPC": '["https://node.example/v2/hidden-key-of-the-node"]',
    "CRYPITOR__NETWORKS__ETHEREUM__CHAIN_ID": "1",
    "CRYPITOR__NETWORKS__ETHEREUM__VERIFY": "logs",
}


@pytest.fixture
def config():
    """A configuration with every kind of secret."""
    return load(None, SECRETS)


def everything(config):
    """Return all that is shown, by table and key."""
    return {
        (table, setting.key): setting
        for table, settings in settings_of(config).items()
        for setting in settings
    }


def test_no_secret_is_shown(config):
    """Of a URL its host at most, of the others that they are set."""
    shown = everything(config)
    texts = " ".join(setting.value or "" for setting in shown.values())

    assert "hidden" not in texts
    assert KEY not in texts
    assert shown["api", "admin_key"].value == "set, not shown"
    assert shown["database", "url"].value == "postgresql://db.example:5432"
    assert shown["webhook", "secrets_key"].value == "set, not shown"
    assert shown["webhook", "proxy"].value == "http://proxy.example:3128"
    assert shown["networks.ethereum", "rpc"].value == "https://node.example"


def test_every_field_that_is_secret_by_its_type_is_known_to_be_hidden():
    """A new secret of the configuration is hidden by its type; this finds each there is."""

    def secrets(model, table):
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from secrets(kind, name)
            elif "SecretStr" in str(kind):
                yield table, name

    hidden = {
        (table, name)
        for table, name in secrets(Config, "")
        if "set, not shown" in str(everything_of(table, name)) or name in ("url", "proxy")
    }

    assert hidden == set(secrets(Config, ""))


def everything_of(table, name):
    """Return what is shown of a secret that is set."""
    config = Config()
    section = getattr(config, table)
    value = (SecretStr("hidden"),) if name == "secrets_key" else SecretStr("hidden")
    changed = config.model_copy(update={table: section.model_copy(update={name: value})})
    [setting] = [each for each in settings_of(changed)[table] if each.key == name]
    return setting.value


def test_what_is_not_the_default_is_marked(config):
    """And only that."""
    shown = everything(config)

    assert not shown["networks.ethereum", "verify"].usual
    assert shown["networks.ethereum", "window"].usual
    assert shown["server", "port"].usual
    assert shown["server", "port"].value == "8080"
    assert shown["server", "health_port"].value is None


@pytest.fixture
async def configured(api, config):
    """A browser on the application with that configuration, and a small disk."""
    room = Room(5_000_000, 200_000_000, 100_000_000_000)
    context = replace(api.context, settings=lambda: settings_of(config), room=lambda: room)
    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        browser = Browser(str(server.make_url("")).rstrip("/"))
        yield browser
        await browser.session.close()


async def test_an_operator_reads_the_settings(api, configured):
    """In force, without secrets."""
    await configured.log_in(api.admin)
    page = (await configured.get("/settings")).html

    assert "[networks.ethereum]" in page.words
    assert "hidden-" not in page.text
    assert "verify logs" in page.words


async def test_nobody_else_reads_the_settings(api, configured):
    """Neither a key that may only read, nor the admin of another project."""
    project = await api.made("/v1/projects", {"name": "other"})
    for key in (await api.key(Scope.READ), await api.key(Scope.ADMIN, project["id"])):
        await configured.log_in(key)
        assert (await configured.get("/settings")).status == 403
        assert 'href="/settings"' not in (await configured.get("/")).html.text


async def test_a_disk_that_is_nearly_full_needs_attention(api, configured):
    """For operators, on the overview, with a link to what is kept and how large it is."""
    await configured.log_in(api.admin)
    overview = (await configured.get("/")).html.words
    about = (await configured.get("/about")).html.words

    assert "The disk of the database is nearly full: 190 MB are free." in overview
    assert "5.0 MB" in about.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "matches 365 days" in about


def test_the_room_of_a_file_is_measured(tmp_path):
    """With its journal; of another database nothing is known, nor where there is no folder."""
    (tmp_path / "x.db").write_bytes(b"a" * 1000)
    (tmp_path / "x.db-wal").write_bytes(b"b" * 500)
    room = room_of(f"sqlite:///{tmp_path}/x.db")

    assert room.used_bytes == 1500
    assert 0 < room.free_bytes <= room.disk_bytes
    assert room_of("postgresql://x/y") is None
    assert room_of(f"sqlite:///{tmp_path}/none/x.db") is None
