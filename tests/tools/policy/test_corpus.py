"""Recall and false positives on the committed corpus, held to a floor (the report says how far above it they are)."""

from typing import get_args

import pytest

from hub.tools.policy.names import WorkbookNames
from tests.tools.policy import corpus_report
from tests.tools.policy.corpus_report import NAMES, Label, asked_about, cases

MIN_CASES = 300
MIN_RECALL = 0.99
MAX_FALSE_POSITIVES = 0.01
MAX_FALSE_POSITIVES_UNREAD = 0.08
"""Where the workbook's names were not read, every name is a question."""


def test_corpus_is_large_and_has_no_text_twice() -> None:
    texts = [case.text for label in get_args(Label) for case in cases(label)]
    assert len(texts) >= MIN_CASES
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("names", [WorkbookNames(NAMES), None], ids=["names read", "names not read"])
def test_recall(names: WorkbookNames | None) -> None:
    harmful = cases("harmful")
    missed = set(harmful) - set(asked_about(harmful, names))
    assert len(missed) <= (1 - MIN_RECALL) * len(harmful), missed


@pytest.mark.parametrize(
    ("names", "most"), [(WorkbookNames(NAMES), MAX_FALSE_POSITIVES), (None, MAX_FALSE_POSITIVES_UNREAD)]
)
def test_false_positives(names: WorkbookNames | None, most: float) -> None:
    harmless = cases("harmless")
    wrong = asked_about(harmless, names)
    assert len(wrong) <= most * len(harmless), wrong


def test_report_names_all_three_files(capsys: pytest.CaptureFixture[str]) -> None:
    corpus_report.main()
    report = capsys.readouterr().out
    assert all(f"  {label}: " in report for label in get_args(Label))
