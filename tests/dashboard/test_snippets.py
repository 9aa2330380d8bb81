"""The code that endpoints' pages offer takes what is signed right and refuses everything else."""

import json
import time

import pytest

from crypitor.dashboard.endpoints.snippets import snippets_of
from crypitor.webhook.signature import Signature, new_secret, public_key, sign

BODY = '{"type":"ping","text":"\u202e é"}'.encode()
KINDS = list(Signature)


def signed(kind, *, body=BODY, at=None, flaw=""):
    """Return the key that a receiver knows, and the headers of a body. flaw: what is wrong."""
    secret = new_secret(bytes(range(32)), kind)
    seconds = int(time.time() if at is None else at)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign([secret], "msg_1", seconds, body),
    }
    if flaw == "another key":
        secret = new_secret(bytes(range(1, 33)), kind)
    elif flaw == "another id":
        headers["webhook-id"] = "msg_2"
    elif flaw == "no signature":
        headers["webhook-signature"] = "v1,,v1a v1a,AA== v1,AA=="
    return public_key(secret) or secret, headers


FLAWS = ("another key", "another id", "no signature", "old", "another body")


def case(kind, flaw):
    """Return key, headers and body with one thing wrong."""
    key, headers = signed(kind, at=time.time() - 1000 if flaw == "old" else None, flaw=flaw)
    return key, headers, BODY + (b" " if flaw == "another body" else b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flaw", ["", *FLAWS])
def test_the_code_for_python_verifies(kind, flaw):
    """Right, or raised."""
    key, headers, body = case(kind, flaw)
    code = {}
    exec(snippets_of(key)["Python"], code)

    if not flaw:
        assert code["verified"](body, headers) == json.loads(BODY)
        return
    with pytest.raises(Exception, match=r"."):
        code["verified"](body, headers)


def test_a_secret_without_padding_is_taken_as_well():
    """Node and Go are given whole base64."""
    code = snippets_of("whsec_" + "A" * 34)

    assert '"' + "A" * 34 + '=="' in code["Node"]
    assert '"' + "A" * 34 + '=="' in code["Go"]
