"""The table of functions."""

import pytest

from hub.tools.policy import harmless
from hub.tools.policy.functions import HARMFUL, FunctionClass, classify, first_mentioned


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SUM", "harmless"),
        ("sum", "harmless"),
        ("_xlfn._xlws.SORT", "harmless"),
        ("Summe", "harmless"),
        ("glätten", "harmless"),
        ("WebService", "network"),
        ("webhizmeti\u0307", "unknown_function"),
        ("\uff29\uff2d\uff21\uff27\uff25", "network"),
        ("com.microsoft.webservice", "network"),
        ("ORG.SUM", "unknown_function"),
        ("_xlfn.ORG.SUM", "unknown_function"),
        ("SUM.", "unknown_function"),
        ("s\u0131n", "unknown_function"),
        ("EXEC", "code"),
        ("_xll.x", "code"),
        ("HYPERLINK", "link"),
        ("CUBEX", "network"),
        ("LEAK", "unknown_function"),
    ],
)
def test_function_is_classified(name: str, kind: FunctionClass) -> None:
    assert classify(name).kind == kind


def test_no_function_is_both_harmful_and_harmless() -> None:
    assert not HARMFUL.keys() & (harmless.NAMES | harmless.BOOLEANS | harmless.LOCAL_BOOLEANS)
    assert harmless.PASSED_AS_VALUES | harmless.TAKE_FUNCTIONS <= harmless.NAMES
    assert harmless.INDIRECTIONS <= harmless.NAMES


def test_every_function_that_needs_approval_says_why() -> None:
    assert all(classify(name).reason for name in (*HARMFUL, "LEAK", "A.B", "_XLL.F", "CUBEX"))
    assert all(function.harm == function.kind for function in HARMFUL.values())


def test_functions_named_by_the_contract_are_in_the_table() -> None:
    named = """WEBSERVICE FILTERXML IMAGE HYPERLINK IMPORTDATA IMPORTXML IMPORTHTML IMPORTRANGE IMPORTFEED GOOGLEFINANCE
    RTD CALL REGISTER.ID EXEC SQL.REQUEST CUBEVALUE CUBESET STOCKHISTORY PY TRANSLATE DETECTLANGUAGE COPILOT"""
    assert [name for name in named.split() if classify(name).harm is None] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('x "WEBSERVICE (1)"', "WEBSERVICE"),
        ("please open(a) and IMAGE(b)", "OPEN"),
        ("SUM(1) then WEBSERVICE", None),
        ("a" * 100_000, None),
    ],
)
def test_first_call_of_a_harmful_function_in_any_text(text: str, name: str | None) -> None:
    found = first_mentioned(text)
    assert (None if found is None else found.name) == name


def test_everyday_words_can_be_left_out() -> None:
    assert first_mentioned("open(a), image(b)", with_everyday_words=False) is None
    assert first_mentioned("open(a), IMPORTXML(b)", with_everyday_words=False) is not None
