"""Any one field of a recorded block is changed: its chain's proof finds it, or is known not to."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from crypitor.evm.profiles import profile_of
from crypitor.evm.types import Log, Receipt, Transaction
from tests.chance import examples
from tests.evm.recorded import Recorded, blocks_folder, recorded_block
from tests.evm.test_profiles import refusal

NOT_PROVEN = {
    Transaction: {"sender", "value", "to", "input", "nonce", "authorization_list", "calls"},
    Receipt: {
        "contract_address", "gas_used", "effective_gas_price", "l1_fee", "blob_gas_used",
        "blob_gas_price", "base_fee",
    },
    Log: set(),
}  # fmt: skip
"""What no proof holds against the header: changed, the block passes. Decisions stand on the rest."""

CUT = {"43114/31878202", "80001/22743478"}
"""Recordings that do not have all of their block, which the header shows."""

NAMES = sorted(
    f"{path.parent.name}/{path.name.split('.')[0]}" for path in blocks_folder().glob("*/*.json.gz")
)


@dataclass
class Mangled:
    """A block of which one field is another. committed: whether the header has to notice."""

    block: Recorded
    what: str
    committed: bool


@lru_cache
def block_of(name: str) -> Recorded:
    chain_id, number = map(int, name.split("/"))
    return recorded_block(chain_id, number)


def other(value: Any, draw: st.DrawFn) -> Any:
    """A value of the same kind that is not this one; of hex another digit, or a byte more."""
    match value:
        case str() if len(value) > 2:
            place = draw(st.integers(2, len(value) - 1))
            digit = draw(
                st.sampled_from([each for each in "0123456789abcdef" if each != value[place]])
            )
            return value[:place] + digit + value[place + 1 :]
        case str():
            return "0x01"
        case None:
            return "0x1"
        case tuple() if value and isinstance(value[0], str):
            place = draw(st.integers(0, len(value) - 1))
            return (*value[:place], other(value[place], draw), *value[place + 1 :])
        case tuple():
            return value[1:]
        case _:
            raise AssertionError(f"no other value for {value!r}")


def is_committed(block: Recorded, part: Any, name: str) -> bool:
    """Whether the header commits to a field of a transaction, a receipt or a log of the block."""
    if name in NOT_PROVEN[type(part)]:
        return False
    if not isinstance(part, Receipt):
        return True
    has_no_type = part.type in profile_of(block.chain_id).untyped
    deposit = part.type == "0x7e"
    only_where = {
        "status": not part.has_post_state and not has_no_type,
        "root": part.has_post_state,
        "deposit_nonce": deposit and part.deposit_receipt_version is not None,
        "deposit_receipt_version": deposit,
    }
    return only_where.get(name, True)


@st.composite
def mangled(draw: st.DrawFn) -> Mangled:
    """Draw a recorded block with one field of a transaction, a receipt or a log changed."""
    block = block_of(draw(st.sampled_from([name for name in NAMES if name not in CUT])))
    profile = profile_of(block.chain_id)
    known = [
        place
        for place, known in enumerate(profile.committed(block.transactions, block.receipts))
        if known
    ]
    if not known:
        return Mangled(block, "nothing", committed=False)
    place = draw(st.sampled_from(known))
    transactions, receipts = [*block.transactions], [*block.receipts]
    logs = receipts[place].logs
    kind = draw(st.sampled_from([Transaction, Receipt, *([Log] if logs else [])]))
    name = draw(st.sampled_from([field.name for field in fields(kind) if field.name != "logs"]))
    if kind is Log:
        at = draw(st.integers(0, len(logs) - 1))
        part = logs[at]
    else:
        part = (transactions if kind is Transaction else receipts)[place]
    value = getattr(part, name)
    if value in (None, ()):
        return Mangled(block, f"{name}, which is not there", committed=False)
    changed = replace(part, **{name: other(value, draw)})
    if kind is Log:
        receipts[place] = replace(receipts[place], logs=(*logs[:at], changed, *logs[at + 1 :]))
    elif kind is Transaction:
        transactions[place] = changed
    else:
        receipts[place] = changed
    return Mangled(
        block._replace(transactions=tuple(transactions), receipts=tuple(receipts)),
        f"{block.name}: {kind.__name__}.{name} of {place}",
        is_committed(block, part, name),
    )


@hypothesis_settings(max_examples=examples(100), deadline=None)
@given(mangled())
def test_a_changed_field_is_refused_unless_it_is_known_not_to_be_proven(one):
    """At the strongest level, by its chain's rules, whichever field of whichever part it is."""
    profile = profile_of(one.block.chain_id)
    assert (refusal(one.block, profile) is not None) == one.committed, one.what


def test_what_is_not_proven_is_named_by_fields_that_there_are():
    """A field that is renamed does not leave its old name behind."""
    for kind, names in NOT_PROVEN.items():
        assert names <= {field.name for field in fields(kind)}
