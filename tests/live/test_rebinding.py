"""The egress guard against a real name server, through the C library's resolver."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.rebinding import ANSWERS, INSIDE, PUBLIC, PUBLIC_6

pytestmark = pytest.mark.live

# As a user who need not be root: needs Linux, unshare and ip.
NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
PREPARE = f"""set -e
ip link set lo up
for address in {PUBLIC} 10.0.0.5 169.254.169.254; do ip addr add $address/32 dev lo; done
for address in {PUBLIC_6} fd00::5; do ip addr add $address/128 dev lo nodad; done
mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
exec "$2" -m tests.live.rebinding"""


def test_names_that_lead_inside_are_never_dialled(tmp_path):
    """
    Names that move with TTL 0, mixed and translated records, a redirect, a kept connection: inside
    addresses at which somebody listens get no connection, the public one does.
    """
    tried = subprocess.run([*NAMESPACES, "ip", "link"], capture_output=True, text=True)
    if tried.returncode:  # not every container may; the doubles of tests/webhook/resolvers.py may
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    done = subprocess.run(
        [*NAMESPACES, "sh", "-c", PREPARE, "sh", tmp_path, sys.executable],
        cwd=Path(__file__).parents[2], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    found = json.loads(done.stdout)
    outcomes = found["outcomes"]
    refused = [f"not called: {address} is not a public address" for address in INSIDE]
    assert outcomes["moves.example.com"] == [None, *refused, None]
    assert outcomes["mixed.example.com"][:3] == [None, None, None]
    assert outcomes["mixed.example.com"][3] in refused
    assert all(error.startswith("not called: ") for error in outcomes["translated.example.com"])
    assert outcomes["kept.example.com"] == [None, None]
    assert outcomes["redirects.example.com"] == [
        "redirect to http://moves.example.com:8000/ refused"
    ]
    assert found["dialled"] == found["arrived"] == sorted([PUBLIC_6, PUBLIC])
    assert set(found["asked"]) == set(ANSWERS)
