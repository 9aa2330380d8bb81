"""The checks that a condition passes before it is saved, and the Python that comes of it."""

from crypitor.monitor.condition import emit, integers, types
from crypitor.monitor.condition.checked import Atom, Checked, Seen
from crypitor.monitor.condition.equality import comparable, equal, member_of_list
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.functions import FUNCTIONS, as_integer
from crypitor.monitor.condition.literals import literal
from crypitor.monitor.condition.nested import found_in, is_nested, listed, same
from crypitor.monitor.condition.parser import MOST_BITS
from crypitor.monitor.condition.scope import Scope, unknown_field, unknown_member
from crypitor.monitor.condition.syntax import (
    Arithmetic,
    Call,
    Comparison,
    Field,
    Hex,
    Item,
    Junction,
    Listing,
    Member,
    Membership,
    Negative,
    Node,
    Not,
    Null,
    Number,
    Percent,
    Quoted,
    Truth,
)
from crypitor.monitor.condition.types import Bool, Int, ListOf, Record, Type, described

MOST_NANOSECONDS = 600_000
"""That a condition may cost in the worst case, by our bounds."""


class Checker:
    """One condition being checked against what its rule knows."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.atoms: list[Atom] = []
        self.seen: list[Seen] = []

    def truth(self, node: Node) -> Checked:
        """Return a part that must be true or false. Raises ConditionError."""
        match node:
            case Junction(sign=sign, parts=nodes):
                parts = [self.truth(part) for part in nodes]
                code = emit.junction(sign, [part.code for part in parts])
                return Checked(Bool(), code, 20 + sum(part.nanoseconds for part in parts))
            case Not(of=inner):
                part = self.truth(inner)
                return Checked(Bool(), emit.opposite(part.code), 20 + part.nanoseconds)
            case _:
                return self.atom(node)

    def atom(self, node: Node) -> Checked:
        """Return a part that is true or false by itself, and keep it for explanations."""
        mark = len(self.seen)
        checked = self.value(node, Bool())
        if not isinstance(checked.type, Bool):
            hint = "; compare it, as in amount > 0" if isinstance(checked.kind, Int) else ""
            raise ConditionError(
                f"true or false expected, {described(checked.type)} found{hint}", node.start
            )
        values = {(seen.start, seen.end): seen for seen in self.seen[mark:]}
        values.pop((node.start, node.end), None)
        self.atoms.append(Atom(node.start, node.end, checked.code, tuple(values.values())))
        return checked

    def value(self, node: Node, wanted: Type | None = None) -> Checked:  # noqa: C901, PLR0911 - a row for each
        """Return a part of any type. Raises ConditionError.

        wanted: what a literal is taken for where it can be; it binds to nothing.
        """
        match node:
            case Number() | Hex() | Quoted() | Truth() | Null():
                return literal(node, wanted)
            case Field() | Member() | Item():
                return self.noted(node, self.path(node))
            case Junction() | Not():
                return self.truth(node)
            case Comparison():
                return self.comparison(node)
            case Membership():
                return self.membership(node)
            case Negative():
                return self.negative(node)
            case Arithmetic():
                return self.noted(node, self.arithmetic(node))
            case Call():
                return self.noted(node, self.call(node))
            case Percent():
                raise ConditionError(f"a percentage {_ONLY_OF_CHANGE}", node.start)
            case Listing():
                raise ConditionError("a list stands only on the right of `in`", node.start)

    def noted(self, node: Node, checked: Checked) -> Checked:
        """Keep a part whose value depends on the match, for explanations."""
        if not checked.is_known and not isinstance(checked.type, Record | ListOf):
            self.seen.append(Seen(node.start, node.end, checked.code))
        return checked

    # fields

    def path(self, node: Field | Member | Item) -> Checked:
        """Return a field, or what it consists of."""
        name = _dotted(node)
        known = self.scope.fields.get(_placed(node) if name is None else name)
        if known is not None:
            return Checked(known.type, emit.field(known.source), 300)
        if isinstance(node, Field) or (name is not None and not self.is_whole(name)):
            raise ConditionError(unknown_field(self.scope, name or ""), node.start)
        of = self.path(node.of) if isinstance(node.of, Field | Member | Item) else None
        if of is None:
            raise ConditionError("only a field has parts", node.of.start)
        return self.member(node, of) if isinstance(node, Member) else self.item(node, of)

    def is_whole(self, name: str) -> bool:
        """Whether a path begins with a field that has parts of its own."""
        root = name.partition(".")[0]
        whole = self.scope.fields.get(root)
        return root == "args" or (whole is not None and isinstance(whole.type, Record | ListOf))

    def member(self, node: Member, of: Checked) -> Checked:
        """Return a member of a tuple, by its name."""
        if not isinstance(of.type, Record):
            raise ConditionError(f"{described(of.type)} has no parts", node.name_start)
        names = [name for name, _ in of.type.members]
        if node.name not in names:
            raise ConditionError(unknown_member(of.type, node.name), node.name_start)
        number = names.index(node.name)
        code = emit.member(of.code, emit.constant(number))
        return Checked(of.type.members[number][1], code, of.nanoseconds + 30)

    def item(self, node: Item, of: Checked) -> Checked:
        """Return an item of a list, or a member of a tuple by its position."""
        index = self.integer(node.index)
        code = emit.member(of.code, index.code)
        nanoseconds = of.nanoseconds + index.nanoseconds + 30
        if isinstance(of.type, ListOf):
            return Checked(of.type.item, code, nanoseconds)
        if not isinstance(of.type, Record):
            raise ConditionError(f"{described(of.type)} has no items", node.start)
        members = of.type.members
        if not isinstance(index.known, int) or not 0 <= index.known < len(members):
            raise ConditionError(
                f"a number from 0 to {len(members) - 1} expected", node.index.start
            )
        return Checked(members[index.known][1], code, nanoseconds)

    # comparisons

    def comparison(self, node: Comparison) -> Checked:
        """Return whether two parts compare so."""
        if share := _shared(node):
            return self.relative(node, *share)
        if node.sign not in ("==", "!="):
            left, right = self.integer(node.left), self.integer(node.right)
            code = emit.compare(node.sign, left.code, right.code)
            return Checked(Bool(), code, left.nanoseconds + right.nanoseconds + 50)
        left, right = self.pair(node.left, node.right)
        if is_nested(left.kind) and is_nested(right.kind):
            checked = same(left, right, node.right.start)
        else:
            comparable(left, right, node.left.start, node.right.start)
            checked = equal(left, right)
        if node.sign == "!=":
            return Checked(Bool(), emit.opposite(checked.code), checked.nanoseconds)
        return checked

    def relative(self, node: Comparison, sign: str, share: Percent, factor: int) -> Checked:
        """Return whether `change` compares so with a share of `previous`, exactly.

        factor: 1 or -1, the sign of the share.
        """
        other = node.right if _is_share(node.left) else node.left
        if not isinstance(other, Field) or other.name != "change":
            raise ConditionError(f"a percentage {_ONLY_OF_CHANGE}", share.start)
        change = self.integer(other)
        previous = self.scope.fields["previous"]
        of = emit.call("share_of", emit.field(previous.source))
        code = emit.compare(
            sign,
            emit.arithmetic("*", change.code, emit.constant(100 * share.denominator)),
            emit.arithmetic("*", of, emit.constant(factor * share.numerator)),
        )
        return Checked(Bool(), code, change.nanoseconds + 600)

    def pair(self, left: Node, right: Node) -> tuple[Checked, Checked]:
        """Return both sides; a literal is taken for what the other side is."""
        if _is_written(left) and not _is_written(right):
            second = self.value(right)
            return self.written(left, second.type), second
        first = self.value(left)
        return first, self.written(right, first.type)

    def written(self, node: Node, wanted: Type) -> Checked:
        """Return a part that may be a list which is written out, as what it is compared with."""
        if isinstance(node, Listing) and is_nested(wanted):
            return listed(self.value, node, wanted)
        return self.value(node, wanted)

    def membership(self, node: Membership) -> Checked:
        """Return whether a part is in a list."""
        if isinstance(node.right, Listing):
            checked = self.among(node, node.right)
        else:
            right = self.value(node.right)
            if not is_nested(right.type):
                hint = "; contains(text, part) looks into a text"
                raise ConditionError(
                    f"a list expected, {described(right.type)} found"
                    + (hint if isinstance(right.kind, types.Text) else ""),
                    node.right.start,
                )
            checked = found_in(self.value, node.left, right, node.right.start)
        if node.negated:
            return Checked(Bool(), emit.opposite(checked.code), checked.nanoseconds)
        return checked

    def among(self, node: Membership, listing: Listing) -> Checked:
        """Return whether the left side is one of those that are written out."""
        if not listing.items:
            raise ConditionError("this list is empty", listing.start)
        first: Checked | None = None
        if _is_literal(node.left):
            first = self.value(listing.items[0])
        left = self.value(node.left, first.type if first else None)
        items = [self.value(item, left.type) for item in listing.items]
        for item, at in zip(items, listing.items, strict=True):
            comparable(left, item, node.left.start, at.start)
        return member_of_list(left, items)

    # integers

    def integer(self, node: Node) -> Checked:
        """Return a part that must be an integer; null is an error of evaluation."""
        return as_integer(self.value(node, types.UINT256), node.start)

    def negative(self, node: Negative) -> Checked:
        """Return an integer with the other sign."""
        of = self.integer(node.of)
        if isinstance(of.known, int):
            return Checked(Int(-of.known, -of.known), emit.constant(-of.known))
        assert isinstance(of.type, Int)
        kind = Int(-of.type.high, -of.type.low)
        return Checked(kind, emit.negative(of.code), of.nanoseconds + 60)

    def arithmetic(self, node: Arithmetic) -> Checked:
        """Return what comes of two integers, of a size that is bounded."""
        left, right = self.integer(node.left), self.integer(node.right)
        assert isinstance(left.type, Int)
        assert isinstance(right.type, Int)
        if node.sign in ("/", "%") and right.type.low == right.type.high == 0:
            raise ConditionError("this divides by zero", node.right.start)
        if node.sign == "**":
            kind = _power(node, left.type, right)
        else:
            kind = integers.range_of(node.sign, left.type, right.type)
        if kind.bits > MOST_BITS:
            raise ConditionError(
                f"this can be larger than the {MOST_BITS} bits that are allowed", node.start
            )
        if isinstance(left.known, int) and isinstance(right.known, int):
            value = integers.OPERATIONS[node.sign](left.known, right.known)
            return Checked(Int(value, value), emit.constant(value))
        cost = integers.nanoseconds(node.sign, left.type, right.type, kind)
        code = emit.arithmetic(node.sign, left.code, right.code)
        return Checked(kind, code, left.nanoseconds + right.nanoseconds + cost)

    def call(self, node: Call) -> Checked:
        """Return what a function makes of its arguments."""
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise ConditionError(
                f"unknown function {node.name[:80]!r}; known are {', '.join(FUNCTIONS)}", node.start
            )
        if not function.least <= len(node.arguments) <= function.most:
            raise ConditionError(f"{function.usage} expected", node.start)
        if node.name == "contains":
            of = self.value(node.arguments[0], types.Text())
            if is_nested(of.type):
                return found_in(self.value, node.arguments[1], of, node.arguments[0].start)
        arguments: list[Checked] = []
        for argument in node.arguments:
            wanted = function.wanted or (_any_length(arguments[0].kind) if arguments else None)
            arguments.append(self.value(argument, wanted))
        positions = [argument.start for argument in node.arguments]
        return function.check(arguments, positions)


_ONLY_OF_CHANGE = "is compared with `change`, as in change <= -10%, in a rule of kind balance"
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _is_share(node: Node) -> bool:
    return isinstance(node.of if isinstance(node, Negative) else node, Percent)


def _shared(node: Comparison) -> tuple[str, Percent, int] | None:
    """Return the sign, the percentage and its sign, `change` being on the left; None without."""
    if _is_share(node.right):
        sign, side = node.sign, node.right
    elif _is_share(node.left):
        sign, side = _TURNED.get(node.sign, node.sign), node.left
    else:
        return None
    share = side.of if isinstance(side, Negative) else side
    assert isinstance(share, Percent)
    return sign, share, -1 if isinstance(side, Negative) else 1


def _placed(node: Node) -> str:
    """Return the text of a field's item by a number that is written out; empty for other parts."""
    if isinstance(node, Item) and isinstance(node.of, Field) and isinstance(node.index, Number):
        return f"{node.of.name}[{node.index.value}]"
    return ""


def _is_literal(node: Node) -> bool:
    return isinstance(node, Number | Hex | Quoted | Truth | Null)


def _is_written(node: Node) -> bool:
    return _is_literal(node) or isinstance(node, Listing)


def _any_length(kind: Type) -> Type:
    return types.Bytes() if isinstance(kind, types.Bytes) else kind


def _power(node: Arithmetic, left: Int, right: Checked) -> Int:
    """Return the values of a power, whose exponent must be known."""
    exponent = right.known
    if not isinstance(exponent, int) or exponent < 0:
        raise ConditionError(
            "an exponent is a number that is written out, 0 or more", node.right.start
        )
    if integers.least_power_bits(left, exponent) > MOST_BITS:
        raise ConditionError(
            f"this can be larger than the {MOST_BITS} bits that are allowed", node.start
        )
    return integers.powers(left, exponent)


def _dotted(node: Node) -> str | None:
    """Return the text of a path of names, None when it has an index in it."""
    if isinstance(node, Field):
        return node.name
    if isinstance(node, Member):
        of = _dotted(node.of)
        return None if of is None else f"{of}.{node.name}"
    return None
