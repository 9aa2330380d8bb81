"""Equality, type by type: of amounts and addresses as they are, of texts without regard to case."""

from collections.abc import Sequence

from crypitor.monitor.condition import emit, types
from crypitor.monitor.condition.checked import Checked
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.types import Bool, described

TEXT_NANOSECONDS = 40_000
"""To fold or search a text, or compare bytes, of the most characters that are looked at."""

_LIST_NANOSECONDS = 60_000
_TEXT_LIST_NANOSECONDS = 120_000


def comparable(left: Checked, right: Checked, left_start: int, right_start: int) -> None:
    """Refuse to compare what is never equal. Raises ConditionError."""
    a, b = left.kind, right.kind
    if isinstance(a, types.Nothing) or isinstance(b, types.Nothing):
        other = left if isinstance(b, types.Nothing) else right
        if isinstance(other.type, types.Nullable | types.Nothing):
            return
        raise ConditionError(f"{described(other.type)} is never null", right_start)
    if isinstance(a, types.ListOf | types.Record):
        raise ConditionError(f"{described(a)} cannot be compared", left_start)
    if type(a) is not type(b):
        raise ConditionError(f"{described(a)} cannot be compared with {described(b)}", right_start)
    sizes = {each.size for each in (a, b) if isinstance(each, types.Bytes)} - {None}
    if len(sizes) > 1:
        raise ConditionError(f"{described(a)} are never {described(b)}", right_start)


def equal(left: Checked, right: Checked) -> Checked:
    """Return whether two comparable parts are equal; null equals only null."""
    if left.is_known:
        left, right = right, left
    code, nanoseconds = emit.compare("==", left.code, right.code), 60
    if isinstance(left.kind, types.Text) and isinstance(right.kind, types.Text):
        if left.kind.folded and right.kind.folded:
            pass
        elif isinstance(right.known, str):
            code = emit.call("is_text", left.code, right.code)
            nanoseconds = 200 + 20 * len(right.known)
        else:
            code = emit.call("same_text", left.code, right.code)
            nanoseconds = 2 * TEXT_NANOSECONDS
    elif left.kind == right.kind == types.Bytes():
        code, nanoseconds = emit.call("same_bytes", left.code, right.code), 1000
    return Checked(Bool(), code, left.nanoseconds + right.nanoseconds + nanoseconds)


def member_of_list(left: Checked, items: Sequence[Checked]) -> Checked:
    """Return whether a part is one of some comparable others."""
    if not all(item.is_known for item in items):
        parts = [equal(left, item) for item in items]
        # All of them, as in a list: one that has no value makes the whole without a value.
        all_of_them = emit.sequence([part.code for part in parts])
        code = emit.compare("in", emit.constant(True), all_of_them)
        return Checked(Bool(), code, sum(part.nanoseconds for part in parts))
    known = frozenset(item.known for item in items)
    among = emit.constant(known)
    if not isinstance(left.kind, types.Text) or left.kind.folded:
        return Checked(Bool(), emit.compare("in", left.code, among), left.nanoseconds + 200)
    texts = [text for text in known if isinstance(text, str)]
    longest = max(map(len, texts), default=0)
    code = emit.call("is_one_of_texts", left.code, among, emit.constant(longest))
    return Checked(Bool(), code, left.nanoseconds + 200 + 20 * longest)


def member_of_field(left: Checked, right: Checked, item: types.Type) -> Checked:
    """Return whether a part is in a decoded list of comparable items."""
    nanoseconds = left.nanoseconds + right.nanoseconds
    if isinstance(item, types.Text):
        code = emit.call("text_in_list", left.code, right.code)
        return Checked(Bool(), code, nanoseconds + _TEXT_LIST_NANOSECONDS)
    name = "bytes_in_list" if item == types.Bytes() else "in_list"
    code = emit.call(name, left.code, right.code)
    return Checked(Bool(), code, nanoseconds + _LIST_NANOSECONDS)
