"""The commands as a user types them: each in a process of its own."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from crypitor.database.migrate import migrations_folder, revisions
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.quirks import MEANING, Quirk
from tests.patience import HANG_SECONDS

CRYPITOR = [sys.executable, "-m", "crypitor"]
COMMANDS = [
    "init", "run", "demo", "check", "migrate", "backup", "restore", "reload", "explain", "apply", "export", "listen", "simulate", "bench", "import", "key", "network", "queue",
]  # fmt: skip
QUICK = 5
"""An end that waits for nothing takes less than so many starts of the same program."""
NOT_FOR_HELP = {"web3", "aiohttp", "sqlalchemy", "pydantic", "structlog", "databases", "aiokafka"}


@pytest.fixture
def crypitor(tmp_path):
    """Run a command in an empty folder."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CRYPITOR, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "120", **environ},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )

    return run


def test_help_names_every_command(crypitor):
    """And none that is not there yet."""
    done = crypitor("--help")

    assert done.returncode == 0
    assert re.findall(r"^│ ([a-z]+) ", done.stdout, re.MULTILINE) == COMMANDS


def test_help_imports_nothing_heavy(crypitor):
    """It is there in a moment; the biggest of these take a second and more."""
    program = (
        "import sys; sys.argv = ['crypitor', '--help']\n"
        "from crypitor.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', sorted({NOT_FOR_HELP} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stderr == "HEAVY []\n"


def processor_seconds(*command: str) -> float:
    """Return what a command takes of the processor, which other tests beside it hardly change."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_quick():
    """It takes at most half as long again as the help of a program that does nothing."""
    empty = (
        "import asyncio, sys, typer; sys.argv = ['nothing', '--help']; nothing = typer.Typer()\n"
        "nothing.command()(lambda: None); nothing()"
    )
    ours = least = float("inf")
    for _ in range(20):  # the least of some: others on the machine change processor time as well
        ours = min(ours, processor_seconds(*CRYPITOR, "--help"))
        least = min(least, processor_seconds(sys.executable, "-c", empty))
        if ours < 1.5 * least:
            break

    assert ours < 1.5 * least


@pytest.mark.parametrize(
    "command",
    [[name] for name in COMMANDS]
    + [["key", "create"], ["network", "resume"], ["network", "probe"], ["log-level"]],
)
def test_every_command_has_help_and_config(crypitor, command):
    """The contract: every command takes --config."""
    done = crypitor(*command, "--help")

    assert done.returncode == 0
    assert command in (["import"], ["key"], ["network"], ["queue"]) or "--config" in done.stdout


def test_mistakes_are_all_told_and_end_with_status_2(crypitor, tmp_path):
    """Each with its key, none as a traceback."""
    (tmp_path / "config.toml").write_text('[server]\nprot = 1\n[log]\nlevel = "loud"\n')
    for command in (["run"], ["check"], ["migrate"], ["key", "list"]):
        done = crypitor(*command)

        assert (done.returncode, done.stdout) == (2, "")
        assert "server.prot: unknown key; did you mean port?" in done.stderr
        assert "log.level: " in done.stderr
        assert "Traceback" not in done.stderr


def test_wrong_usage_ends_with_status_2(crypitor):
    """An unknown command, an unknown role, a secret that is none, a file that is not there."""
    assert crypitor("dance").returncode == 2
    assert crypitor("run", "--role", "dancer").returncode == 2
    assert crypitor("listen", "--secret", "sesame").returncode == 2
    assert crypitor("check", "--config", "nowhere.toml").returncode == 2
    assert crypitor("check", CRYPITOR_CONFIG="nowhere.toml").returncode == 2


def test_run_without_a_node_says_what_to_do(crypitor, tmp_path):
    """The first thing that a new user does; it makes nothing."""
    done = crypitor("run")

    assert done.returncode == 2
    assert "[networks.ethereum]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_makes_nothing_and_fails_with_status_1(crypitor, tmp_path):
    """There is no node to be asked."""
    done = crypitor("check")

    assert done.returncode == 1
    assert "TROUBLE  configuration: no network has a node" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_migrate_says_what_it_applied(crypitor, tmp_path):
    """And the second time that there was nothing."""
    first, second = crypitor("migrate"), crypitor("migrate")

    shipped = sorted(revisions(migrations_folder())[1])
    assert (first.returncode, first.stdout) == (0, f"applied: {', '.join(shipped)}\n")
    assert (second.returncode, second.stdout) == (0, "nothing to do\n")
    assert (tmp_path / "data/crypitor.db").is_file()


def test_a_key_is_made_listed_and_revoked(crypitor):
    """The secret is printed alone, once, so that a script can take it."""
    crypitor("migrate")
    secret = crypitor("key", "create", "--name", "for CI", "--scope", "read").stdout.strip()
    key_id = secret.rpartition("_")[0]
    listed = crypitor("key", "list").stdout
    revoked = crypitor("key", "revoke", key_id)
    after = crypitor("key", "list").stdout

    assert re.fullmatch(r"ke_[0-9a-z]{26}_[0-9A-Za-z]{49}", secret)
    headings, line = listed.splitlines()
    assert headings.split() == ["ID", "SCOPE", "CREATED", "PROJECT", "STATE", "NAME"]
    assert re.fullmatch(rf"{key_id}  read   \S+  pr_\S+  valid  for CI", line)
    assert line.index("for CI") == headings.index("NAME")
    assert revoked.returncode == 0
    assert re.search(rf"{key_id} .* revoked ", after)
    assert secret not in listed + after


def test_what_is_not_there_fails_with_status_1(crypitor):
    """A sentence, not a traceback."""
    crypitor("migrate")
    for words in (
        ["key", "revoke", "ke_none"],
        ["key", "create", "--name", "x", "--project", "pr_none"],
    ):
        done = crypitor(*words)

        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(r"crypitor: there is no \S+ \S+\n", done.stderr)


def test_a_database_that_is_down_fails_with_status_1_and_without_its_password(crypitor):
    """Commands do not wait; `run` does."""
    done = crypitor("migrate", CRYPITOR__DATABASE__URL="postgresql://me:sesame@127.0.0.1:1/x")

    assert done.returncode == 1
    assert done.stderr.startswith("crypitor: PostgreSQL 127.0.0.1:1/x: ")
    assert "sesame" not in done.stderr


def begin(tmp_path: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """Start a command that serves; returns it and its first line."""
    process = subprocess.Popen(
        [*CRYPITOR, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline()


@pytest.mark.parametrize("words", [["listen"], ["simulate"]])
def test_servers_say_where_they_are_and_end_at_a_signal(tmp_path, words):
    """Ended at once, it leaves with status 0 and without a word."""
    began = time.monotonic()
    process, first = begin(tmp_path, *words, "--port", "0")
    starting = time.monotonic() - began
    with process:
        assert re.search(r"http://127\.0\.0\.1:\d+", first)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=HANG_SECONDS)

        assert (process.returncode, errors) == (0, "")
        assert time.monotonic() - started < QUICK * starting


def test_a_simulated_node_that_fails(tmp_path):
    """`simulate --chaos` takes faults with and without a rate."""
    process, first = begin(
        tmp_path, "simulate", "--port", "0", "--chaos", "http_503:1", "--chaos", "lag"
    )
    with process:
        url = re.search(r"http://127\.0\.0\.1:\d+", first)[0]
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            urllib.request.urlopen(url, b'{"id": 1, "method": "eth_chainId"}')
        refused.value.close()
        with urllib.request.urlopen(f"{url}/_/chaos") as answer:
            listed = json.load(answer)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANG_SECONDS)

    assert {name: one["rate"] for name, one in listed.items() if one["rate"]} == {
        "http_503": 1, "lag": 0.1,
    }  # fmt: skip


def test_a_simulated_chain_of_another_kind(tmp_path, crypitor):
    """`simulate --quirk` takes what the chain is; a wrong name is answered with the right ones."""
    process, first = begin(tmp_path, "simulate", "--port", "0", "--quirk", "late_roots")
    with process:
        url = re.search(r"http://127\.0\.0\.1:\d+", first)[0]
        asked = b'{"id": 1, "method": "eth_getBlockByNumber", "params": ["0x0", false]}'
        with urllib.request.urlopen(url, asked) as answer:
            genesis = json.load(answer)["result"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    wrong = crypitor("simulate", "--quirk", "nonsense")

    assert genesis["settledHeight"] == "0x0"
    assert wrong.returncode == 2
    assert all(quirk in re.sub(r"[\s│]+", " ", wrong.stderr) for quirk in Quirk)


def test_quirks_are_explained_in_the_help(crypitor):
    """Each on a line of its own, with what the chain does, at the width of a small terminal."""
    told = crypitor("simulate", "--help").stdout
    said = re.sub(r"\s+", " ", told)

    assert all(f"• {quirk}: {what}" in said for quirk, what in MEANING.items())
    assert len(told.splitlines()) < 120


def test_faults_are_named_in_the_help(crypitor):
    """Every fault; and a wrong name is answered with the right ones."""
    told = crypitor("simulate", "--help").stdout
    wrong = crypitor("simulate", "--chaos", "nonsense")

    assert all(fault in told for fault in Fault)
    assert wrong.returncode == 2
    assert all(fault in re.sub(r"[\s│]+", " ", wrong.stderr) for fault in Fault)


def test_a_port_that_is_taken_is_a_sentence(tmp_path, crypitor):
    """With status 1."""
    process, first = begin(tmp_path, "listen", "--port", "0")
    with process:
        port = re.search(r":(\d+)", first)[1]
        done = crypitor("simulate", "--port", port)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)

    assert done.returncode == 1
    taken = r"crypitor: cannot listen on 127\.0\.0\.1:\d+: address already in use; give another --port\n"
    assert re.fullmatch(taken, done.stderr)


def test_a_taken_port_is_told_before_the_first_start_makes_anything(tmp_path, crypitor):
    """No folder, database or key is left of a start that could not be."""
    process, first = begin(tmp_path, "listen", "--port", "0")
    with process:
        port = re.search(r":(\d+)", first)[1]
        done = crypitor(
            "run",
            CRYPITOR__SERVER__PORT=port,
            CRYPITOR__NETWORKS__ETHEREUM__RPC='["http://127.0.0.1:1"]',
        )
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)

    assert done.returncode == 2
    assert f"server.port: cannot listen on 127.0.0.1:{port}: address already in use" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_came_is_printed_whole(tmp_path):
    """`listen --body`: a line for each member."""
    process, first = begin(tmp_path, "listen", "--port", "0", "--body")
    with process:
        url = re.search(r"http://127\.0\.0\.1:\d+", first)[0]
        asked = urllib.request.Request(url, b'{"type":"ping","data":{"n":1}}', method="POST")
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 204
        told = [process.stdout.readline() for _ in range(7)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)

    assert "? ping" in told[0]
    assert json.loads("".join(told[1:])) == {"type": "ping", "data": {"n": 1}}
