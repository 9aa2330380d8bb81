"""Messages for a room of Matrix, on Synapse itself."""

import pytest

from crypitor.monitor.models import Phase
from crypitor.webhook.formats import Form
from crypitor.webhook.post import Poster
from crypitor.webhook.template import Template
from tests.live.matrix.synapse import synapse
from tests.patience import HANG_SECONDS
from tests.webhook.matched import HASH, NOW, body_of
from tests.webhook.posting import LOOPBACK, endpoint

pytestmark = pytest.mark.live

FORM = Form("matrix")
WORDS = Form("matrix", Template("{{data.label}}: {{data.amount_formatted}} <b>", "text/plain"))


async def test_a_room_shows_each_message_once(tmp_path):
    """As text and as HTML, with its links; twice the same is once; a wrong token is a failure."""
    bodies = {
        "de_1": body_of(FORM),
        "de_2": body_of(FORM, Phase.REVERTED),
        "de_3": body_of(WORDS),
    }
    async with (
        synapse(tmp_path) as room,
        Poster(allow_private=LOOPBACK, deadline_seconds=HANG_SECONDS) as poster,
    ):

        async def post(name, token=room.token):
            headers = {"Authorization": f"Bearer {token}"}
            to = endpoint(room.send_url, format="matrix", headers=headers)
            return await poster.post(to, name, bodies[name].encode(), NOW)

        outcomes = [await post(name) for name in ("de_1", "de_1", "de_2", "de_3")]
        refused = await post("de_1", token="syt_nobody")
        shown = await room.messages()

    assert [outcome.status_code for outcome in outcomes] == [200] * 4
    assert all(outcome.succeeded for outcome in outcomes)
    assert (refused.status_code, refused.succeeded) == (401, False)
    assert [message["body"].splitlines()[0] for message in shown] == [
        "Treasury: received 0.1231 USDC (detected)",
        "Treasury: received 0.1231 USDC (reverted: its block left the chain)",
        "hot wallet: 0.1231 <b>",
    ]
    assert f'<a href="https://etherscan.io/tx/{HASH}">' in shown[0]["formatted_body"]
    assert "&lt;b&gt;" in shown[2]["formatted_body"]
