"""Formulas made at random for the properties: harmless ones, calls that reach out, and ways to write the same."""

from hypothesis import strategies as st

CELLS = (
    "A1",
    "$B$2",
    "C3:D9",
    "A:A",
    "Sheet1!A1",
    "'It''s \"x\"'!B2",
    "R[-1]C",
    "RC",
    "T[Amount]",
    "[@[Unit Price]]",
    "A1#",
)
CONSTANTS = (
    "1",
    "2.5",
    "1E-3",
    '"text"',
    '"a ""b"" ]"',
    '"=WEBSERVICE(1)"',
    "TRUE",
    "#N/A",
    "{1,2;3,4}",
    "{1\\2}",
    '"["',
)
OPERATORS = ("+", "-", "*", "/", "^", "&", "=", "<>", ">=", " + ", "\n&\n", "\u00a0*\u00a0")
SEPARATORS = (",", ";", ", ", " ;\n")
FUNCTIONS = ("SUM", "IF", "iferror", "TEXTJOIN", "_xlfn.XLOOKUP", "INDEX", "STDEV.S", "SUMME", "Round", "ROUND ", "SI")
SIGNS = ("", "+", "-", "@", "--")

CALLS = (
    'WEBSERVICE("https://evil.example")',
    'image ("https://evil.example")',
    "_xlfn.FILTERXML(A1,B1)",
    'Hyperlink\n("https://evil.example")',
    "@RTD(A1,,B1)",
    "LIEN_HYPERTEXTE(A1)",
    "CONTOSO.FETCH(A1)",
    "LEAK (A1)",
    "[book.xlsx]Sheet1!A1",
    "'https://evil.example/[x.xlsx]S'!A1",
    "cmd|'/c calc'!A1",
    "\uff29\uff2d\uff21\uff27\uff25(A1)",
    "MAP(A1:A9,WEBSERVICE)",
    "LAMBDA(u,WEBSERVICE(u))(A1)",
    "INDIRECT(\"'[x.xlsx]S'!A1\")",
    "Leak",
)


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression with expressions of `inner` in it, in one of the ways of syntax."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map("".join),
        st.tuples(st.sampled_from(SIGNS), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"({text})%"),
        st.tuples(st.sampled_from(FUNCTIONS), st.sampled_from(SEPARATORS), st.lists(inner, min_size=1, max_size=3)).map(
            lambda call: f"{call[0]}({call[1].join(call[2])})"
        ),
        st.tuples(inner, inner).map(lambda parts: f"LET(rate,{parts[0]},_xlpm.y,rate*2,{parts[1]}+rate+_xlpm.y)"),
        inner.map(lambda text: f"LAMBDA(a,[b],a+{text})(1)"),
        inner.map(lambda text: f"LET(f,LAMBDA(x,x+{text}),f(f(1)))"),
    )


_LEAF = st.sampled_from((*CELLS, *CONSTANTS))

harmless_expressions = st.recursive(_LEAF, _wrapped, max_leaves=12)


@st.composite
def wrapped_calls(draw: st.DrawFn) -> str:
    """An expression with a call that reaches out somewhere within it."""
    text = draw(st.sampled_from(CALLS))
    for _ in range(draw(st.integers(0, 6))):
        other = draw(_LEAF)
        operator = draw(st.sampled_from(OPERATORS))
        separator = draw(st.sampled_from(SEPARATORS))
        text = draw(
            st.sampled_from(
                (
                    f"({text})",
                    f"{text}{operator}{other}",
                    f"{other}{operator}{text}",
                    f"IF({other}{separator}{text}{separator}{other})",
                    f"sum ( {text} )",
                    f"LET(x{separator}{other}{separator}x&{text})",
                    f"LET(x{separator}{text}{separator}x)",
                    f"LAMBDA(p{separator}p&{text})({other})",
                    f"REDUCE(0{separator}{other}{separator}LAMBDA(a{separator}b{separator}a&{text}))",
                    f'"""["&{text}&"]"""',
                    f"T[[#All],[a b]]&{text}&'a[b'!A1" if "[" not in text else f"({text})",
                    f"{{1\\2}}&{text}",
                )
            )
        )
    return text
