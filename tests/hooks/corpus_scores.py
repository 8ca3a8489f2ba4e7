"""How well the checks do on the corpus. `python -m tests.hooks.corpus_scores` reports it, by language, with all misses.

The rules and the corpus have one author: the numbers say what the rules know of, not what the world will send.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.hooks.injection import found_in
from hub.hooks.pii import find
from tests.hooks.corpus_cases import REGIONS, injection_cases, pii_cases

LEAST_RECALL: Mapping[str, float] = {"injection": 0.85, "pii": 0.95}
MOST_FALSE: Mapping[str, int] = {"injection": 4, "pii": 4}
"""Of 125 messages that hold nothing: those in which something is found."""


@dataclass
class Score:
    """`wanted` things are in the corpus' `cases`, `found` of them are found; `negatives` cases hold nothing."""

    cases: int = 0
    negatives: int = 0
    wanted: int = 0
    found: int = 0
    false_positives: int = 0
    wanted_in: Counter[str] = field(default_factory=Counter)  # by language
    found_in: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.wanted

    def note(self, language: str, text: str, *, wanted: int, found: int, is_false: bool) -> None:
        self.cases += 1
        self.negatives += not wanted
        self.wanted += wanted
        self.found += found
        self.false_positives += is_false
        self.wanted_in[language] += wanted
        self.found_in[language] += found
        if found < wanted:
            self.misses.append(f"missed  {text!r}")
        if is_false:
            self.misses.append(f"wrong   {text!r}")


def injection_score() -> Score:
    score = Score()
    for case in injection_cases():
        is_found = bool(found_in(case.text))
        score.note(
            case.language,
            case.text,
            wanted=case.is_attack,
            found=is_found and case.is_attack,
            is_false=is_found and not case.is_attack,
        )
    return score


def pii_score() -> Score:
    """A thing is found if exactly its place is; what is found elsewhere makes a case false."""
    score = Score()
    for case in pii_cases():
        places = {(one.start, one.end) for one in find(case.text, regions=REGIONS)}
        score.note(
            case.language,
            case.text,
            wanted=len(case.spans),
            found=len(places & set(case.spans)),
            is_false=bool(places - set(case.spans)),
        )
    return score


def main() -> None:
    for name, score in (("injection", injection_score()), ("pii", pii_score())):
        print(f"{name}: {score.cases} cases, {score.negatives} of them with nothing to find")
        print(f"  recall           {score.found}/{score.wanted} = {score.recall:.1%} (floor {LEAST_RECALL[name]:.0%})")
        print(f"  false positives  in {score.false_positives} cases (at most {MOST_FALSE[name]})")
        languages = (f"{name} {score.found_in[name]}/{count}" for name, count in score.wanted_in.items() if count)
        print(f"  by language      {', '.join(languages)}")
        print("".join(f"  {miss}\n" for miss in score.misses))


if __name__ == "__main__":
    main()
