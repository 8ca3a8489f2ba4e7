"""A calculator for models: arithmetic on decimals, so that 0.1 + 0.2 is 0.3. It reads its own small grammar, and
nothing of Python's.

    sum      = term (("+" | "-") term)*
    term     = signed (("*" | "/" | "//" | "%") signed)*
    signed   = ("+" | "-") signed | power
    power    = percent ("**" signed)?
    percent  = atom "%"*
    atom     = number | "(" sum ")" | function "(" sum ("," sum)* ")"

A `%` before a number, a name or a parenthesis is the remainder; any other one is a percentage.
"""

import decimal
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, NoReturn

from pydantic import Field

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolError
from hub.tools.schema import MAX_RESULT_BYTES, make_tool

MAX_CHARACTERS = 2_000
MAX_DEPTH = 50
MAX_DIGITS = 100
"""Of a number that is written, and of one that is computed with: what needs more is rounded."""
MAX_EXPONENT = 300
"""Of ten; a JSON number ends at 308."""
DIGITS_SHOWN = 20
"""Of a result that had to be rounded."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|[-+*/%^(),×÷−]))"  # noqa: RUF001 - as people write them
)
_SAME = {"^": "**", "×": "*", "÷": "/", "−": "-"}  # noqa: RUF001
_END = ""

Expression = Annotated[
    str, Field(min_length=1, max_length=MAX_CHARACTERS, description="For example (1200.50 - 900) / 900 or 19% * 250.")
]


async def calculate(expression: Expression) -> Json:
    """Compute an arithmetic expression exactly, in decimals. Use it rather than computing in your head.

    It knows + - * / // % ** ( ) and the functions abs, max, mean, min, round, sqrt and sum. 15% is 0.15; a % b is the
    remainder, with the sign of b. round(x, digits) rounds halves away from zero. Write numbers without units and
    without separators of thousands. `text` is the result in full; `exact` is false if it had to be rounded.
    """
    value, is_exact = evaluate(expression)
    if not is_exact:
        value = decimal.Context(prec=DIGITS_SHOWN).plus(value)
    is_whole = value == value.to_integral_value()
    return {
        "result": int(value) if is_whole and abs(value) < 2**53 else float(value),
        "text": shown(value),
        "exact": is_exact,
    }


def calculator(max_result_bytes: int = MAX_RESULT_BYTES) -> Tool:
    """The tool `calculate`. It reads nothing and writes nothing, so nobody is asked to approve it."""
    return make_tool(calculate, title="Calculate", max_result_bytes=max_result_bytes)


def evaluate(expression: str) -> tuple[Decimal, bool]:
    """The value, and whether it is exact. Raises `ToolError`, which says what is wrong and where."""
    context = decimal.Context(
        prec=MAX_DIGITS,
        rounding=decimal.ROUND_HALF_EVEN,
        Emin=-MAX_EXPONENT,
        Emax=MAX_EXPONENT,
        traps=[decimal.Overflow, decimal.Underflow, decimal.DivisionByZero, decimal.InvalidOperation],
    )
    try:
        value = _Reader(expression, context).whole()
    except decimal.Overflow as error:
        raise ToolError(f"A value is too large: they end at 1e{MAX_EXPONENT}.") from error
    except decimal.Underflow as error:
        raise ToolError(f"A value is too close to zero: they begin at 1e-{MAX_EXPONENT}.") from error
    except decimal.DivisionByZero as error:
        raise ToolError("That divides by zero.") from error
    except decimal.InvalidOperation as error:
        raise ToolError("A part of it has no value, as 0/0 and the root of a negative number have none.") from error
    return value, not context.flags[decimal.Inexact]


def shown(value: Decimal) -> str:
    """In plain digits, unless they are mostly zeros."""
    if value == 0:
        return "0"
    value = value.normalize(decimal.Context(prec=MAX_DIGITS))
    return f"{value:f}" if -DIGITS_SHOWN <= value.adjusted() < MAX_DIGITS else str(value)


class _Reader:
    """Reads and computes in one pass. Each method leaves the reader behind what it has read."""

    def __init__(self, expression: str, context: decimal.Context) -> None:
        self._text = expression
        self._context = context
        self._depth = 0
        self._start = 0  # where the next token begins
        self._end = 0  # and where it ends
        self._kind = ""
        self._token = _END
        self._advance()

    def whole(self) -> Decimal:
        if len(self._text) > MAX_CHARACTERS:
            raise ToolError(f"The expression has more than {MAX_CHARACTERS} characters.")
        value = self._sum()
        if self._token != _END:
            self._refuse()
        return value

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._end)
        if match is None:
            rest = self._text[self._end :]
            self._start = self._end + len(rest) - len(rest.lstrip())
            self._kind, self._token = "other", self._text[self._start : self._start + 1]
            return
        self._kind = match.lastgroup or ""
        self._start, self._end = match.start(self._kind), match.end()
        self._token = _SAME.get(match[self._kind], match[self._kind])

    def _take(self, *signs: str) -> str | None:
        """The next token, which is then read, if it is one of them."""
        token = self._token
        if self._kind != "sign" or token not in signs:
            return None
        self._advance()
        return token

    def _refuse(self) -> NoReturn:
        if self._token == _END:
            raise ToolError("The expression ends too early.")
        if self._token == ",":
            raise ToolError(
                f"A comma at character {self._start + 1} is in no function: write numbers without separators of "
                "thousands, and a point before decimals."
            )
        raise ToolError(f"{self._token[:20]!r} at character {self._start + 1} is not expected there.")

    def _sum(self) -> Decimal:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ToolError(f"The expression is nested more than {MAX_DEPTH} deep.")
        value = self._term()
        while sign := self._take("+", "-"):
            other = self._term()
            value = self._context.add(value, other) if sign == "+" else self._context.subtract(value, other)
        self._depth -= 1
        return value

    def _term(self) -> Decimal:
        value = self._signed()
        while sign := self._take("*", "/", "//", "%"):
            other = self._signed()
            match sign:
                case "*":
                    value = self._context.multiply(value, other)
                case "/":
                    value = self._context.divide(value, other)
                case _:
                    quotient, remainder = self._floored(value, other)
                    value = quotient if sign == "//" else remainder
        return value

    def _floored(self, value: Decimal, divisor: Decimal) -> tuple[Decimal, Decimal]:
        """Quotient, rounded down, and remainder, which has the sign of the divisor (decimals have them otherwise)."""
        if divisor == 0:
            raise decimal.DivisionByZero
        quotient, remainder = self._context.divmod(value, divisor)
        if remainder != 0 and (remainder < 0) != (divisor < 0):
            return self._context.subtract(quotient, Decimal(1)), self._context.add(remainder, divisor)
        return quotient, remainder

    def _signed(self) -> Decimal:
        is_negative = False
        while sign := self._take("+", "-"):
            is_negative ^= sign == "-"
        value = self._power()
        return value.copy_negate() if is_negative else value

    def _power(self) -> Decimal:
        base = self._percent()
        if self._take("**") is None:
            return base
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ToolError(f"The expression is nested more than {MAX_DEPTH} deep.")
        exponent = self._signed()
        self._depth -= 1
        if base == 0 and exponent < 0:
            raise decimal.DivisionByZero
        return self._context.power(base, exponent)

    def _percent(self) -> Decimal:
        value = self._atom()
        while self._token == "%" and not self._is_remainder():
            self._advance()
            value = self._context.divide(value, Decimal(100))
        return value

    def _is_remainder(self) -> bool:
        match = _TOKEN.match(self._text, self._end)
        return match is not None and (match["sign"] is None or match["sign"] == "(")

    def _atom(self) -> Decimal:
        if self._kind == "number":
            return self._number()
        if self._kind == "name":
            return self._function()
        if self._take("(") is None:
            self._refuse()
        value = self._sum()
        if self._take(")") is None:
            self._refuse()
        return value

    def _number(self) -> Decimal:
        token = self._token
        digits = re.sub(r"[eE].*|\.", "", token).lstrip("0")
        if len(digits) > MAX_DIGITS:
            raise ToolError(f"The number at character {self._start + 1} has more than {MAX_DIGITS} digits.")
        self._advance()
        # An exponent that is too long for the library has no number, whatever the context allows.
        if len(re.sub(r"[^eE]*[eE][+-]?0*|.*", "", token, count=1)) > len(str(MAX_EXPONENT)):
            raise decimal.Underflow if re.search("[eE]-", token) else decimal.Overflow
        return self._context.create_decimal(token)

    def _function(self) -> Decimal:
        name, at = self._token.lower(), self._start + 1
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(FUNCTIONS)
            raise ToolError(f"{self._token[:20]!r} at character {at} is not known; the functions are {known}.")
        self._advance()
        if self._take("(") is None:
            raise ToolError(f"The function {name} at character {at} needs its values in parentheses.")
        values = [self._sum()]
        while self._take(","):
            values.append(self._sum())
        if self._take(")") is None:
            self._refuse()
        least, most, compute = function
        if not least <= len(values) <= most:
            takes = "one value" if most == 1 else f"{least} or {most} values"
            raise ToolError(f"The function {name} at character {at} takes {takes}, not {len(values)}.")
        return compute(self._context, values)


def _total(context: decimal.Context, values: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = context.add(total, value)
    return total


def _mean(context: decimal.Context, values: Sequence[Decimal]) -> Decimal:
    return context.divide(_total(context, values), Decimal(len(values)))


def _round(context: decimal.Context, values: Sequence[Decimal]) -> Decimal:
    digits = values[1] if len(values) == 2 else Decimal(0)
    if digits != digits.to_integral_value() or abs(digits) > MAX_DIGITS:
        raise ToolError(f"The digits of round must be a whole number from -{MAX_DIGITS} to {MAX_DIGITS}.")
    exponent = values[0].as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -digits:
        return values[0]
    unit = Decimal(1).scaleb(-int(digits))
    # Rounding is what was asked for: it does not make the result inexact.
    wide = decimal.Context(prec=MAX_DIGITS * 2 + MAX_EXPONENT, rounding=decimal.ROUND_HALF_UP)
    return values[0].quantize(unit, context=wide)


FUNCTIONS: dict[str, tuple[int, int, Callable[[decimal.Context, Sequence[Decimal]], Decimal]]] = {
    "abs": (1, 1, lambda _, values: values[0].copy_abs()),
    "max": (1, MAX_CHARACTERS, lambda _, values: max(values)),
    "mean": (1, MAX_CHARACTERS, _mean),
    "min": (1, MAX_CHARACTERS, lambda _, values: min(values)),
    "round": (1, 2, _round),
    "sqrt": (1, 1, lambda context, values: context.sqrt(values[0])),
    "sum": (1, MAX_CHARACTERS, _total),
}
"""By name: the fewest and the most values, and how to compute it."""
