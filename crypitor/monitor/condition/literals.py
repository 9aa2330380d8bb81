"""Values that are written out, which take the type that their place asks for."""

from crypitor.evm.address import parse_address
from crypitor.monitor.condition import emit, types
from crypitor.monitor.condition.checked import Checked
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.parser import MOST_BITS
from crypitor.monitor.condition.syntax import Hex, Literal, Null, Number, Quoted, Truth
from crypitor.monitor.condition.types import Type, described

_ADDRESS_DIGITS = 40


def literal(node: Literal, wanted: Type | None) -> Checked:
    """Return a literal as the type that is wanted, or as its own if that is out of the question.

    Raises ConditionError when it is of the wanted type and wrong.
    """
    kind = None if wanted is None else types.present(wanted)
    match node:
        case Number():
            return Checked(types.Int(node.value, node.value), emit.constant(node.value))
        case Truth():
            return Checked(types.Bool(), emit.constant(node.value))
        case Null():
            return Checked(types.Nothing(), emit.constant(None))
        case Quoted():
            return _quoted(node, kind)
        case Hex():
            return _hex(node, kind)


def _quoted(node: Quoted, kind: Type | None) -> Checked:
    if isinstance(kind, types.Address):
        return _address(node, node.text)
    if isinstance(kind, types.Bytes):
        return _bytes(node, node.text, kind)
    if isinstance(kind, types.Text) and kind.choices and node.text.lower() not in kind.choices:
        raise ConditionError(f"{described(kind)} expected, {node.text!r} found", node.start)
    return Checked(types.Text(folded=True), emit.constant(node.text.lower()))


def _hex(node: Hex, kind: Type | None) -> Checked:
    if isinstance(kind, types.Bytes):
        return _bytes(node, node.text, kind)
    digits = node.text[2:]
    if isinstance(kind, types.Address) or len(digits) == _ADDRESS_DIGITS:
        return _address(node, node.text)
    if not digits:
        raise ConditionError("hex digits expected after 0x", node.start)
    value = int(digits, 16)
    if value.bit_length() > MOST_BITS:
        raise ConditionError(f"an integer has at most {MOST_BITS} bits", node.start)
    return Checked(types.Int(value, value), emit.constant(value))


def _address(node: Literal, text: str) -> Checked:
    try:
        return Checked(types.Address(), emit.constant(parse_address(text)))
    except ValueError as error:
        raise ConditionError(str(error), node.start) from error


def _bytes(node: Literal, text: str, kind: types.Bytes) -> Checked:
    digits = text[2:].lower()
    well_formed = (
        text[:2].lower() == "0x" and len(digits) % 2 == 0 and set(digits) <= set("0123456789abcdef")
    )
    if not well_formed or (kind.size is not None and len(digits) != 2 * kind.size):
        raise ConditionError(f"{described(kind)} expected, {text!r} found", node.start)
    return Checked(types.Bytes(len(digits) // 2), emit.constant("0x" + digits))
