"""The workbook's names: what leads out, through however many of them."""

import pytest

from hub.tools.policy.formula import UNLISTED, read_formula
from hub.tools.policy.names import MAX_NAMES, WorkbookNames

NAMES = WorkbookNames(
    {
        "Rate": "=0.19",
        "Sheet1!Local": "=Sheet1!$A$1",
        "AddTax": "=LAMBDA(x,x*(1+Rate))",
        "Loop": "=Pool+1",
        "Pool": "=Loop+1",
        "Leak": "=WEBSERVICE(A1)",
        "Via": "=IF(TRUE,Leak,0)",
        "ViaVia": "=Via*2",
        "Caller": "=Fetch(1)",
        "Fetch": "=LAMBDA(x,IMAGE(x))",
        "Dangling": "=Gone+1",
        "Foreign": "=CONTOSO.FETCH(A1)",
        "SUM": "=LAMBDA(x,WEBSERVICE(x))",
    }
)


@pytest.mark.parametrize("name", ["Rate", "rate", "Local", "Sheet2!Rate", "AddTax", "Loop", "Pool", "_xlfn.Rate"])
def test_harmless_name_has_no_problem(name: str) -> None:
    assert NAMES.problem(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Leak", "WEBSERVICE fetches"),
        ("Via", "uses LEAK"),
        ("ViaVia", "uses VIA"),
        ("Caller", "uses FETCH"),
        ("Fetch", "IMAGE fetches"),
        ("Dangling", f"uses GONE, which {UNLISTED}"),
        ("Foreign", "CONTOSO.FETCH"),
        ("Other", UNLISTED),
    ],
)
def test_name_that_leads_out_says_how(name: str, why: str) -> None:
    assert why in str(NAMES.problem(name))


@pytest.mark.parametrize("formula", ["=AddTax(A1)*Rate", "=Sheet1!Local", "=SVERWEIS(A1;B:C;2;FALSCH)", "=SUM2:A1"])
def test_formula_with_harmless_names_is_let_pass(formula: str) -> None:
    assert read_formula(formula, names=NAMES).found == []


@pytest.mark.parametrize(
    "formula", ["=Leak", "=ViaVia+1", "=Fetch(A1)", "=Other", "=OTHER(1)", "=SUM(A1)", "=BYROW(A:B,SUM)"]
)
def test_formula_with_a_name_that_leads_out_is_found(formula: str) -> None:
    assert read_formula(formula, names=NAMES).found != []


def test_long_chains_of_names_are_followed_without_recursion() -> None:
    chain = {f"Step_{n}": f"=Step_{n + 1}" for n in range(5_000)} | {"Step_5000": "=IMAGE(A1)"}
    assert WorkbookNames(chain).problem("Step_0") is not None


def test_names_are_bounded() -> None:
    with pytest.raises(ValueError, match="more than"):
        WorkbookNames({f"N_{n}": "=1" for n in range(MAX_NAMES + 1)})
