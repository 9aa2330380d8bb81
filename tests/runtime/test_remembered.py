"""What is remembered of texts that users choose stays small, however long and many they are."""

import ast
import gc
import tracemalloc
from pathlib import Path

import pytest

import crypitor
from crypitor.api.events.following import MOST_KEPT_BYTES, Following
from crypitor.database.epochs import Epoch
from crypitor.database.seal import Seal
from crypitor.monitor.models import Kind
from crypitor.monitor.prepared import compiled
from crypitor.runtime.remembered import LONG, remembered
from crypitor.webhook.hidden import without_secrets
from crypitor.webhook.template import stored_template
from crypitor.webhook.tls import stored_tls

MOST_BYTES = 16 << 20
"""Of what hundreds of the longest texts may leave behind."""

# What stays as it was is keyed by what is short in itself or our own: types, numbers, names of time
# zones, checked URLs of 2 KB at most, secrets of 64 bytes, SQL, amounts of a block's receipts.
LIMITED_BY_NUMBER = {
    "api/serving/checksums.py": 1,
    "database/attempts.py": 1,
    "database/epochs.py": 1,
    "database/monitors.py": 1,  # of texts below SHORT
    "database/sql.py": 1,
    "evm/address.py": 1,
    "evm/delegations.py": 1,
    "evm/multicall.py": 1,
    "evm/receipts.py": 3,
    "evm/trie.py": 1,
    "evm/types.py": 1,
    "monitor/condition/compile.py": 1,  # of a field's name, which is a part of a condition
    "runtime/remembered.py": 2,
    "webhook/body.py": 1,
    "webhook/hidden.py": 1,
    "webhook/post.py": 1,
    "webhook/signature.py": 2,
    "webhook/silence.py": 1,
    "worker/tidy.py": 1,
}


def test_what_is_asked_again_is_made_once():
    """Short or long."""
    made = []

    @remembered(longest=10)
    def upper(text):
        made.append(text)
        return text.upper()

    for text in ("short", "longer than that") * 3:
        assert upper(text) == text.upper()
    assert made == ["short", "longer than that"]


def test_few_long_ones_push_out_no_short_one():
    """Whatever comes between, and none but the last long ones is kept."""
    made = []

    @remembered(most=4, longest=10)
    def upper(text):
        made.append(text)
        return text.upper()

    upper("short")
    for number in range(100):
        upper(f"a long one, number {number}")
    made.clear()
    upper("short")
    for number in reversed(range(100)):
        upper(f"a long one, number {number}")

    assert len(made) == 100 - LONG


def templates(number):
    stored_template(f'{{"body":"{"x" * 16_000}{number}"}}')


def certificates(number):
    stored_tls(f'{{"ca":"{"x" * 60_000}{number}","certificate":"{"y" * 60_000}"}}')


def conditions(number):
    compiled(Kind.NATIVE, (), " or ".join(f"amount + {n} > {number}" for n in range(70)))


def headers(number):
    values = {f"X-{place}": f"{number}%~ \"'/{place}" * 300 for place in range(32)}
    without_secrets("a text" * 100, "https://example.com/hook", values)


SEAL = Seal([bytes(32)])


def sealed(number):
    SEAL.open(SEAL.seal("x" * 100_000 + str(number), "endpoints.tls"), "endpoints.tls")


class Told:
    """An event of the log."""

    def __init__(self, position):
        self.position = position


def events(number, following=Following(None), epoch=Epoch(1, "e", "s", 0)):  # noqa: B008
    following.text(Told(number), epoch, checksum=False)


@pytest.mark.parametrize("make", [templates, certificates, conditions, headers, sealed, events])
def test_many_long_ones_leave_little(make, monkeypatch):
    """Hundreds, each read once, as whoever may save something can have it."""
    monkeypatch.setattr(
        "crypitor.api.events.following._text",
        lambda event, *_, **__: b"x" * 100_000 + b"%d" % event.position,
    )
    make(-1)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(300):
            make(number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < MOST_BYTES
    assert MOST_KEPT_BYTES < MOST_BYTES


def test_alike_conditions_are_one_while_a_rule_has_them():
    """However many others were asked for since."""
    text = " or ".join(f"amount > {n}" for n in range(120))
    one = compiled(Kind.NATIVE, (), text)
    for number in range(LONG + 1):
        conditions(number)

    assert compiled(Kind.NATIVE, (), text) is one


def caches(path):
    """Return how many caches a module has that are limited by their number of entries."""
    tree = ast.parse(path.read_text())
    return sum(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "lru_cache"
        for node in ast.walk(tree)
    )


def test_every_cache_has_a_bound_of_memory():
    """Who adds one that is limited by number says here why its entries are small."""
    root = Path(crypitor.__file__).parent
    found = {
        str(path.relative_to(root)): count
        for path in sorted(root.rglob("*.py"))
        if "development" not in path.parts and (count := caches(path))
    }

    assert found == LIMITED_BY_NUMBER
