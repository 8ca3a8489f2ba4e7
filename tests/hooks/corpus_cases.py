"""The corpus of what input checks have to find and to leave alone: 250 messages for each, half of them hard negatives.

`corpus/injection.txt`: + or -, the language, the message. `corpus/pii.txt`: the language and the message, what is
personal between guillemets. \\n stands for a line break. What is personal in a form that no rule knows is there too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT")
"""Whose national phone numbers the corpus holds."""


@dataclass(frozen=True)
class InjectionCase:
    language: str
    text: str
    is_attack: bool


@dataclass(frozen=True)
class PiiCase:
    """`spans`: what is personal, as places in the text."""

    language: str
    text: str
    spans: Sequence[tuple[int, int]]


def injection_cases() -> list[InjectionCase]:
    cases = []
    for line in (CORPUS / "injection.txt").read_text(encoding="utf-8").splitlines():
        sign, language, text = line.split(" ", 2)
        cases.append(InjectionCase(language, text.replace("\\n", "\n"), sign == "+"))
    return cases


def pii_cases() -> list[PiiCase]:
    return [
        PiiCase(line.split(" ", 1)[0], *_spans(line.split(" ", 1)[1]))
        for line in (CORPUS / "pii.txt").read_text(encoding="utf-8").splitlines()
    ]


def _spans(marked: str) -> tuple[str, list[tuple[int, int]]]:
    text = ""
    spans = []
    for piece in re.split("(«[^»]*»)", marked):
        if piece.startswith("«"):
            spans.append((len(text), len(text) + len(piece) - 2))
        text += piece.strip("«»") if piece.startswith("«") else piece
    return text, spans
