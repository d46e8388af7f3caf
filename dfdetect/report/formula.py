"""The small language of claims, which compares sums, differences, products and quotients of named numbers.

Examples: `real + fake == images`, `after - before == gain`, `best > other`. Numbers are intervals, so a claim
fails only if no rounding of the printed numbers makes it true.
"""

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

from dfdetect.report.printed import Interval
from face_extraction.errors import InputError, check_name

FORMS = "two sides of + - * / over names and numbers, with ==, > or < between them"


def check(
    formula: str, numbers: Mapping[str, Interval], where: str
) -> tuple[bool, list[tuple[str, Interval]]]:
    """Check whether a claim can be true; also returns its two sides, each as written with its value.

    Args:
        formula: the claim.
        numbers: the value of each name.
        where: the file, for errors.

    Raises:
        InputError: the formula has another form, or names an unknown number.
    """
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError:
        tree = None
    match tree:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Gt() | ast.Lt() as relation], comparators=[right]):
            sides = [(ast.unparse(side), _value(side, numbers, where)) for side in (left, right)]
        case _:
            raise InputError(f"{where}: claim {formula!r}; accepted: {FORMS}")
    (_, a), (_, b) = sides
    match relation:
        case ast.Eq():
            return a.meets(b), sides
        case ast.Gt():
            return a.high > b.low, sides
        case _:
            return a.low < b.high, sides


def _value(node: ast.expr, numbers: Mapping[str, Interval], where: str) -> Interval:
    match node:
        case ast.Name(id=name):
            check_name("number", name, numbers, where)
            return numbers[name]
        case ast.Constant(value=int() | float() as value):
            return Interval.exactly(Fraction(str(value)))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            a, b = (_value(side, numbers, where) for side in (left, right))
            if isinstance(operator, ast.Div) and b.low <= 0 <= b.high:
                raise InputError(f"{where}: claim divides by {ast.unparse(right)}, which may be 0")
            ends = [_OPERATORS[type(operator)](x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
            return Interval(min(ends), max(ends), a.open or b.open)
        case _:
            raise InputError(f"{where}: claim with {ast.unparse(node)!r}; accepted: {FORMS}")


_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
