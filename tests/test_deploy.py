"""What deploy/ says is true of the program: its metrics, its settings, its commands."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from crypitor.cli import cli
from crypitor.config import ROLES, load
from crypitor.config.paths import database_file
from crypitor.config.types import check_roles
from crypitor.runtime.metrics import Metrics
from tests.runtime.test_metrics import touch

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
REPOSITORY = DEPLOY.parent
SECRETS = {
    "POSTGRES_PASSWORD": "secret",
    "CRYPITOR_ADMIN_KEY": "an-admin-key-of-the-test-0123456789",
    "ETHEREUM_RPC": "https://node.example",
}


def series():
    """The names of all time series of the program."""
    metrics = Metrics()
    touch(metrics)
    return set(re.findall(r"^([a-z_]+)[{ ]", metrics.render().decode(), re.MULTILINE))


def dashboard():
    return json.loads((DEPLOY / "grafana/crypitor.json").read_text())


def rules():
    [group] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return group["rules"]


def asked(expression):
    return set(re.findall(r"\b(?:crypitor|process)_[a-z_]+", expression))


def test_the_dashboard_asks_for_what_there_is():
    """Every metric in it is one of the program's, and it shows all that the contract names."""
    names = {
        name
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
        for name in asked(target["expr"])
    }

    assert names - series() == set()
    assert len(names) > 20
    assert {"crypitor_head_block", "crypitor_deliveries_due", "crypitor_endpoints"} <= names


def test_panels_do_not_overlap():
    """Each has its place on the grid of 24 columns."""
    taken = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }

        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_alerts_ask_for_what_there_is():
    """Every metric in them is one of the program's; each has a severity and a summary."""
    names = {name for rule in rules() for name in asked(rule["expr"])}

    assert names - series() == set()
    assert len(names) > 8
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"]["summary"]


def compose():
    """The compose file, with the variables of its user put in."""
    text = re.sub(
        r"\$\{([A-Z_]+)(?::\?[^}]*)?\}",
        lambda found: SECRETS[found[1]],
        (DEPLOY / "compose.yml").read_text(),
    )
    return yaml.safe_load(text)


def test_compose_runs_every_role_with_settings_that_hold():
    """The configuration of each of our services is accepted, and together they run all roles."""
    ours = {
        name: service
        for name, service in compose()["services"].items()
        if service["image"] == "crypitor"
    }
    roles = []
    for service in ours.values():
        config = load(None, service["environment"])
        command, option, role = service["command"]
        roles.append(role)

        assert (command, option) == ("run", "--role")
        check_roles(config, [role])
        assert config.queue.kind == "kafka"
        assert list(config.followed) == ["ethereum"]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert sorted(roles) == sorted(ROLES)


def test_compose_names_what_it_needs():
    """Volumes, and what is waited for, are in the same file."""
    document = compose()
    services = document["services"]

    for service in services.values():
        for neighbour in service.get("depends_on", ()):
            assert "healthcheck" in services[neighbour]
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in document["volumes"]


def container():
    """The instructions of the container file: word and rest."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def test_the_container_copies_what_there_is():
    """Each file is in the checkout, and .dockerignore lets it in."""
    allowed = (REPOSITORY / ".dockerignore").read_text().split()
    for word, rest in container():
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (REPOSITORY / source).exists()
                assert f"!{source}" in allowed


def test_the_container_runs_without_rights():
    """It ends as a user that is a number other than 0, with a health check and settings that hold."""
    instructions = container()
    last = dict(instructions)
    environ = dict(pair.split("=", 1) for pair in shlex.split(last["ENV"]))
    config = load(None, environ)

    assert int(last["USER"].split(":")[0]) > 0
    assert "healthy.py" in last["HEALTHCHECK"]
    assert (config.server.host, config.server.port) == ("0.0.0.0", 8080)
    assert config.server.health_port == config.server.port


def test_the_images_base_is_one_that_cannot_change():
    """By its digest; and nothing can be installed in what runs."""
    instructions = container()
    base = instructions[0][1]
    built = [rest for word, rest in instructions if word == "RUN"]
    final = instructions[max(n for n, (word, _) in enumerate(instructions) if word == "FROM") :]

    assert re.fullmatch(r"BASE=python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert {rest.split()[0] for word, rest in instructions if word == "FROM"} == {"${BASE}"}
    assert any("--without-pip" in rest for rest in built)
    assert any("pip uninstall" in rest and "ensurepip" in rest for _, rest in final)


def test_the_unit_gives_no_more_rights_than_it_needs():
    """An exposure of at most 1.5 of 10, by systemd's own count."""
    if shutil.which("systemd-analyze") is None:
        assert "CI" not in os.environ
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", DEPLOY / "crypitor.service"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert "Overall exposure level" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("place", ["unit", "container"])
def test_the_command_is_one_of_ours(place):
    """What is started is a command with options that it knows."""
    if place == "unit":
        unit = configparser.RawConfigParser(strict=False, delimiters="=")
        unit.optionxform = str
        unit.read(DEPLOY / "crypitor.service")
        words = shlex.split(unit["Service"]["ExecStart"])[1:]
    else:
        words = json.loads(dict(container())["CMD"])
    outcome = CliRunner().invoke(cli, [*words, "--help"])

    assert outcome.exit_code == 0
    assert "--role" in outcome.output


def test_the_unit_keeps_its_database_where_it_may_write():
    """Not beside the configuration, from which relative paths count."""
    text = (DEPLOY / "crypitor.service").read_text()
    name, url = re.search(r"^Environment=(\w+)=(\S+)$", text, re.MULTILINE).groups()
    folder = re.search(r"^StateDirectory=(\S+)$", text, re.MULTILINE)[1]
    config = load(None, {name: url})

    assert database_file(config).is_relative_to(f"/var/lib/{folder}")


def test_the_audit_is_run_each_night():
    """By a schedule that forges read, with actions that are pinned; what it runs is there."""
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/audit.yml").read_text())
    [schedule] = workflow[True]["schedule"]  # YAML 1.1 reads `on` as true
    minute, hour, *days = schedule["cron"].split()
    steps = workflow["jobs"]["audit"]["steps"]
    [command] = [step["run"] for step in steps if "run" in step]

    assert minute.isdecimal()
    assert hour.isdecimal()
    assert days == ["*"] * 3
    assert os.access(REPOSITORY / command, os.X_OK)
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
