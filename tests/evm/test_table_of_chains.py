"""The table of chains in the documentation says what the code knows."""

from crypitor.evm.networks import PRESETS
from crypitor.evm.profiles import profile_of
from tests.evm.table_of_chains import PAGE, shown, table


def test_the_page_shows_the_table_of_the_code():
    """`python -m tests.evm.table_of_chains` writes it anew."""
    assert shown(PAGE.read_text(encoding="utf-8")) == table()


def test_every_network_has_a_row_with_its_proof():
    """Each by its key in the configuration."""
    rows = {row.split("`")[1]: row for row in table().splitlines()[2:]}

    assert list(rows) == list(PRESETS)
    for name, preset in PRESETS.items():
        assert f"| {preset.chain_id} |" in rows[name]
        assert f"| `{profile_of(preset.chain_id).strongest}` |" in rows[name]


def test_what_a_proof_cannot_see_is_said():
    """A chain that nothing is proven of says so, one that all is proven of has nothing to say."""
    rows = {row.split("`")[1]: row for row in table().splitlines()[2:]}

    assert "a node leaves out" in rows["zksync"]
    assert "| nothing |" in rows["ethereum"]
    assert "system transactions" in rows["hyperevm"]
    assert "19,999,999" in rows["cronos"]
