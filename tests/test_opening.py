"""How many connections the API takes, of the descriptors that there are."""

import pytest

from crypitor.config import load
from crypitor.process.doors import bounds_of


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[networks.dev]\nchain_id = 1337\nrpc = ["http://127.0.0.1:1"]\n')
    return load(file, {})


def test_where_there_are_enough_it_is_what_is_configured(config):
    """Also where the system tells of no limit."""
    for allowed in (65_536, None):
        bounds = bounds_of(config, allowed)

        assert (bounds.connections, bounds.connections_per_address) == (1_000, 250)


@pytest.mark.parametrize("allowed", [400, 512, 1024])
def test_few_descriptors_are_kept_for_the_rest(config, allowed):
    """Of those of every POST, of the node and of the database none is taken."""
    bounds = bounds_of(config, allowed)

    assert 16 <= bounds.connections_per_address < bounds.connections
    assert allowed - bounds.connections > config.webhook.in_flight + 50


def test_the_api_answers_however_few_there_are(config):
    """It would be of no use to keep all of them from it."""
    assert bounds_of(config, 64).connections == 16
