"""From words to what they say: precedence climbing over a closed grammar.

From loose to tight: or; and; not; == != < <= > >= in; + -; * / %; - before a value; **.
"""

from dataclasses import replace

from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.lexer import Kind, Token, tokens_of
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

DEEPEST_CONDITION = 60
"""Operators and brackets within each other; a row of `and` or of `or` counts once."""

LONGEST_LIST = 500
"""Items of a list that is written out."""

MOST_BITS = 4096
"""Of any integer, written or computed."""

UNITS = {"wei": 1, "gwei": 10**9, "ether": 10**18}

_JUNCTIONS = {"or": 10, "and": 20}
_NOT = 30
_COMPARISON = 40
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_ARITHMETIC = {"+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "**": 80}
_NEGATIVE = 70


def parse(text: str) -> Node:
    """Return what a condition says. Raises ConditionError."""
    parser = _Parser(tokens_of(text))
    if parser.ended():
        raise ConditionError("a condition expected, such as amount >= 1 ether", 0)
    node, _ = parser.expression(0)
    if not parser.ended():
        raise parser.refuse("an operator or the end")
    return node


_Deep = tuple[Node, int]
"""A node, and how deep what is in it goes."""


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.number = 0
        self.nesting = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.number]

    def ended(self) -> bool:
        return self.token.kind is Kind.END

    def advance(self) -> Token:
        token = self.token
        self.number += 1
        return token

    def take(self, sign: str) -> bool:
        """Step over a sign if it is this one."""
        if not self.at(sign):
            return False
        self.number += 1
        return True

    def at(self, sign: str) -> bool:
        return self.token.kind is Kind.SIGN and self.token.text == sign

    def require(self, sign: str) -> Token:
        if not self.at(sign):
            raise self.refuse(repr(sign))
        return self.advance()

    def refuse(self, accepted: str) -> ConditionError:
        token = self.token
        found = "the end" if token.kind is Kind.END else repr(token.text)
        return ConditionError(f"{accepted} expected, {found} found", token.start)

    def deeper(self, *parts: int, start: int) -> int:
        """Return the depth of a node of such parts."""
        depth = 1 + max(parts, default=0)
        if depth > DEEPEST_CONDITION:
            raise ConditionError(f"a condition is at most {DEEPEST_CONDITION} deep", start)
        return depth

    def expression(self, binding: int) -> _Deep:
        """Read what binds tighter than `binding`."""
        self.nesting += 1
        if self.nesting > DEEPEST_CONDITION:
            raise ConditionError(
                f"a condition is at most {DEEPEST_CONDITION} deep", self.token.start
            )
        left = self.prefix()
        while self.token.kind is Kind.SIGN:
            sign = self.token.text
            if _JUNCTIONS.get(sign, 0) > binding:
                left = self.junction(left, sign)
            elif binding < _COMPARISON and (sign in _COMPARISONS or sign in ("in", "not")):
                left = self.comparison(left)
            elif _ARITHMETIC.get(sign, 0) > binding:
                left = self.arithmetic(left, sign)
            else:
                break
        self.nesting -= 1
        return left

    def junction(self, first: _Deep, sign: str) -> _Deep:
        parts, depths = [first[0]], [first[1]]
        while self.take(sign):
            part, depth = self.expression(_JUNCTIONS[sign])
            parts.append(part)
            depths.append(depth)
        start, end = parts[0].start, parts[-1].end
        return Junction(start, end, sign, tuple(parts)), self.deeper(*depths, start=start)

    def comparison(self, left: _Deep) -> _Deep:
        sign = self.advance()
        negated = sign.text == "not"
        if negated:
            self.require("in")
        right = self.expression(_COMPARISON)
        start, end = left[0].start, right[0].end
        depth = self.deeper(left[1], right[1], start=start)
        following = self.token
        if following.kind is Kind.SIGN and following.text in (*_COMPARISONS, "in", "not"):
            raise ConditionError(
                "comparisons are not chained: write a < b and b < c", following.start
            )
        if sign.text in ("in", "not"):
            return Membership(start, end, left[0], right[0], negated), depth
        return Comparison(start, end, sign.text, left[0], right[0]), depth

    def arithmetic(self, left: _Deep, sign: str) -> _Deep:
        self.advance()
        # ** is taken from the right: 2 ** 3 ** 2 is 2 ** 9
        right = self.expression(_ARITHMETIC[sign] - (1 if sign == "**" else 0))
        start = left[0].start
        node = Arithmetic(start, right[0].end, sign, left[0], right[0])
        return node, self.deeper(left[1], right[1], start=start)

    def prefix(self) -> _Deep:
        """Read a value with what stands before it and after it."""
        start = self.token.start
        if self.take("not"):
            inner, depth = self.expression(_NOT)
            return Not(start, inner.end, inner), self.deeper(depth, start=start)
        if self.take("-"):
            inner, depth = self.expression(_NEGATIVE)
            return Negative(start, inner.end, inner), self.deeper(depth, start=start)
        node, depth = self.value()
        while self.at(".") or self.at("["):
            if self.take("."):
                if self.token.kind is not Kind.NAME:
                    raise self.refuse("a name")
                name = self.advance()
                node = Member(start, name.end, node, name.text, name.start)
                depth = self.deeper(depth, start=start)
            else:
                self.advance()
                index, index_depth = self.expression(0)
                node = Item(start, self.require("]").end, node, index)
                depth = self.deeper(depth, index_depth, start=start)
        return node, depth

    def value(self) -> _Deep:
        token = self.token
        if self.take("("):
            inner, depth = self.expression(0)
            # its brackets belong to what an explanation quotes
            inner = replace(inner, start=token.start, end=self.require(")").end)
            return inner, self.deeper(depth, start=token.start)
        if self.take("["):
            items, depth = self.listed("]")
            return Listing(token.start, self.tokens[self.number - 1].end, items), depth
        if token.kind in (Kind.END, Kind.SIGN) and token.text not in ("true", "false", "null"):
            raise self.refuse("a field, a value or a function")
        self.advance()
        if token.kind is Kind.NAME and self.take("("):
            arguments, depth = self.listed(")")
            end = self.tokens[self.number - 1].end
            return Call(token.start, end, token.text, arguments), depth
        return self.single(token), 1

    def listed(self, close: str) -> tuple[tuple[Node, ...], int]:
        """Read what stands between an open bracket and its `close`."""
        start = self.tokens[self.number - 1].start
        items: list[Node] = []
        deepest = 0
        while not self.take(close):
            if items:
                if not self.at(","):
                    raise self.refuse(f"',' or '{close}'")
                self.advance()
                if self.take(close):
                    break
            if len(items) == LONGEST_LIST:
                raise ConditionError(f"a list has at most {LONGEST_LIST} items", self.token.start)
            item, depth = self.expression(0)
            items.append(item)
            deepest = max(deepest, depth)
        return tuple(items), self.deeper(deepest, start=start)

    def single(self, token: Token) -> Node:
        start, end, text = token.start, token.end, token.text
        match token.kind:
            case Kind.NAME:
                return Field(start, end, text)
            case Kind.HEX:
                return Hex(start, end, text)
            case Kind.TEXT:
                return Quoted(start, end, text)
            case Kind.NUMBER:
                return self.number_with_unit(token)
            case _:
                return Null(start, end) if text == "null" else Truth(start, end, text == "true")

    def number_with_unit(self, token: Token) -> Number | Percent:
        end, unit = token.end, 1
        if self.at("%") and not _begins_a_value(self.tokens[self.number + 1]):
            return _share(token, self.advance().end)
        if self.token.kind is Kind.NAME:
            if self.token.text not in UNITS:
                raise self.refuse(f"an operator or one of the units {', '.join(UNITS)}")
            unit = UNITS[self.token.text]
            end = self.advance().end
        return Number(token.start, end, _exact(token, unit))


def _begins_a_value(token: Token) -> bool:
    """Whether a `%` before this is an operator: what follows can be divided by."""
    if token.kind is Kind.SIGN:
        return token.text in ("(", "[", "-", "true", "false", "null")
    return token.kind is not Kind.END


def _share(token: Token, end: int) -> Percent:
    whole, _, fraction = token.text.replace("_", "").partition(".")
    if "e" in token.text.lower() or len(whole) > 9 or len(fraction) > 9:
        raise ConditionError("a percentage is a plain number, such as 10% or 2.5%", token.start)
    return Percent(token.start, end, int(whole + fraction), 10 ** len(fraction))


def _exact(token: Token, unit: int) -> int:
    """Return what a number in a unit is worth; it must come out even."""
    mantissa, _, exponent = token.text.lower().partition("e")
    whole, _, fraction = mantissa.replace("_", "").partition(".")
    power = int(exponent or "0") - len(fraction)
    digits = int(whole + fraction) * unit
    if digits == 0:
        return 0
    if power > MOST_BITS:
        raise ConditionError(f"an integer has at most {MOST_BITS} bits", token.start)
    # 10 ** k divides only what has at least k bits
    if power < 0 and (-power > digits.bit_length() or digits % 10**-power):
        raise ConditionError(
            f"{token.text} is not a whole number; amounts are integers of the smallest unit",
            token.start,
        )
    value: int = digits * 10**power if power >= 0 else digits // 10**-power
    if value.bit_length() > MOST_BITS:
        raise ConditionError(f"an integer has at most {MOST_BITS} bits", token.start)
    return value
