"""The calculator, run as a tool."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.tools.base import ToolContext, ToolError
from hub.tools.calculator import DIGITS_SHOWN, FUNCTIONS, MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS, calculator, evaluate

CALCULATOR = calculator()


async def compute(expression: str) -> dict[str, Any]:
    context = ToolContext(
        user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=lambda fraction, note: None
    )
    result = await CALCULATOR.run({"expression": expression}, context)
    assert isinstance(result, dict)
    return result


def test_explains_itself() -> None:
    spec = CALCULATOR.spec
    assert (spec.name, spec.access, spec.title) == ("calculate", "read", "Calculate")
    assert list(spec.input_schema["properties"]) == ["expression"]
    assert all(name in spec.description for name in FUNCTIONS)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1 + 2 * 3 - 4 / 8", "6.5"),
        ("(1 + 2) * -3", "-9"),
        ("2 ** 3 ** 2", "512"),
        ("-2 ** 2", "-4"),
        ("2 ** -1", "0.5"),
        ("2 ^ 10", "1024"),
        ("3 × 4 − 6 ÷ 3", "10"),  # noqa: RUF001
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("7 % (-3)", "-2"),
        ("7 // -2", "-4"),
        ("10 % 3", "1"),
        ("200 * 15%", "30"),
        ("15% - 5%", "0.1"),
        ("200 + 15%", "200.15"),
        ("5%%", "0.0005"),
        ("50%2%", "0"),
        ("2 ** 300%", "8"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "2.68"),
        ("round(1234.5, -2)", "1200"),
        ("round(7, 100)", "7"),
        ("round(1e200, 50)", "1E+200"),
        ("sqrt(16)", "4"),
        ("SUM(1, 2, 3) / 4", "1.5"),
        ("min(3, -1) + max(3, -1)", "2"),
        ("mean(1, 2, 3, 4)", "2.5"),
        ("abs(-1.50)", "1.5"),
        ("2 ** 200", "1606938044258990275541962092341162602522202993782792835301376"),
        ("1e-300", "1E-300"),
        (".5 + 1.", "1.5"),
        ("--1", "1"),
        ("0 * -1", "0"),
        ("1e0000000000000000000002", "100"),
    ],
)
async def test_is_exact(expression: str, text: str) -> None:
    result = await compute(expression)
    assert (result["text"], result["exact"]) == (text, True)
    assert result["result"] == float(text)


async def test_whole_results_are_whole_numbers() -> None:
    assert [type((await compute(expression))["result"]) for expression in ("4 / 2", "5 / 2", "2 ** 53")] == [
        int, float, float,
    ]  # fmt: skip


async def test_says_that_a_result_was_rounded() -> None:
    assert await compute("2 / 3") == {"result": 2 / 3, "text": "0." + "6" * (DIGITS_SHOWN - 1) + "7", "exact": False}
    assert await compute("1 / 3 * 3") == {"result": 1, "text": "1", "exact": False}
    assert (await compute("sqrt(2)"))["result"] == math.sqrt(2)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("9**9**9**9", "too large"),
        ("1e400", "too large"),
        ("1e99999999999999999999", "too large"),
        ("1e300 * 10", "too large"),
        ("1e-99999999999999999999", "too close to zero"),
        ("1e-300 / 1e200", "too close to zero"),
        ("9" * (MAX_DIGITS + 1), "more than 100 digits"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "nested more than 50 deep"),
        ("(" * 900 + "1" + ")" * 900, "nested more than 50 deep"),
        ("1**" * 500 + "1", "nested more than 50 deep"),
        ("1+" * MAX_CHARACTERS + "1", "at most 2000 characters"),
        ("1 / 0", "divides by zero"),
        ("1 // 0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("0 / 0", "has no value"),
        ("0 ** 0", "has no value"),
        ("sqrt(-1)", "has no value"),
        ("(-8) ** (1 / 3)", "has no value"),
        ("1e300 // 1e-100", "has no value"),
        ("round(1, 0.5)", "whole number from -100 to 100"),
        ("round(1, 1e9)", "whole number from -100 to 100"),
        ("round(1, 2, 3)", "takes 1 or 2 values, not 3"),
        ("sqrt(1, 2)", "takes one value, not 2"),
        ("max()", "')' at character 5"),
        ("1,200", "without separators of thousands"),
        ("sqrt 4", "needs its values in parentheses"),
        ("sqrt", "needs its values in parentheses"),
        ("pi", "'pi' at character 1 is not known; the functions are abs, max, mean"),
        ("__import__('os').system('id')", "'__import__' at character 1 is not known"),
        ("(1).real", "'.' at character 4"),
        ("[1][0]", "'[' at character 1"),
        ("lambda: 1", "not known"),
        ("'a' * 9", '"\'" at character 1'),
        ("1 if 1 else 2", "'if' at character 3"),
        ("1; 2", "';' at character 2"),
        ("1 == 1", "'=' at character 3"),
        ("1_000", "'_000' at character 2"),
        ("0x10", "'x10' at character 2"),
        ("1j", "'j' at character 2"),
        ("inf", "not known"),
        ("NaN", "not known"),
        ("٣", "'٣' at character 1"),
        ("²", "not known"),
        ("5 5", "'5' at character 3"),
        ("1..2", "'.2' at character 3"),
        ("2 +", "ends too early"),
        ("(1", "ends too early"),
        (" ", "ends too early"),
        ("", "at least 1 character"),
        ("1\0", "at character 2"),
    ],
)
async def test_refuses(expression: str, problem: str) -> None:
    with pytest.raises(ToolError) as refused:
        await compute(expression)
    assert problem in str(refused.value)


whole = st.integers(-(10**6), 10**6)


@st.composite
def sums(draw: st.DrawFn, depth: int = 4) -> tuple[str, Fraction]:
    """An expression, and its value as fractions have it."""
    if depth == 0 or draw(st.booleans()):
        value = draw(whole)
        return (str(value) if value >= 0 else f"({value})"), Fraction(value)
    left, left_value = draw(sums(depth=depth - 1))
    right, right_value = draw(sums(depth=depth - 1))
    sign = draw(st.sampled_from("+-*"))
    values = {"+": left_value + right_value, "-": left_value - right_value, "*": left_value * right_value}
    return f"({left} {sign} {right})", values[sign]


@given(sums())
@settings(max_examples=100, deadline=None)
def test_computes_as_fractions_do(case: tuple[str, Fraction]) -> None:
    expression, value = case
    computed, is_exact = evaluate(expression)
    assert is_exact
    assert Fraction(computed) == value


@given(whole, whole.filter(lambda divisor: divisor != 0))
@settings(max_examples=100, deadline=None)
def test_divides_down_as_spreadsheets_do(value: int, divisor: int) -> None:
    assert evaluate(f"{value} // ({divisor})") == (Decimal(value // divisor), True)
    assert evaluate(f"({value}) % ({divisor})") == (Decimal(value % divisor), True)


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_adds_decimals_exactly(numbers: list[Decimal]) -> None:
    listed = ", ".join(f"{number:f}" for number in numbers)
    assert Fraction(evaluate(f"sum({listed})")[0]) == sum(map(Fraction, numbers))
    assert evaluate(f"max({listed}) - min({listed})") == (max(numbers) - min(numbers), True)


@given(st.text("0123456789.eE+-*/%^(), \tsqrtmeanround×÷−_'[]", max_size=60) | st.text(max_size=30))  # noqa: RUF001
@example("1e999999999999999999%%%")
@example("round(sqrt(2)**1e300,-100)")
@example("1e300%1e-300")
@settings(max_examples=400, deadline=None)
def test_ends_in_a_finite_value_or_in_an_error_for_the_model(expression: str) -> None:
    try:
        value, _ = evaluate(expression)
    except ToolError:
        return
    assert value.is_finite()
    assert math.isfinite(float(value))
