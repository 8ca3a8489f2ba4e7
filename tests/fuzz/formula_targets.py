"""Fuzz targets of the formula policy: hostile text ends in findings or in none, in no exception, and hides nothing.

python -m tests.fuzz.formula_targets [seconds per target] [seed]
"""

import random
import sys
import time
from collections.abc import Mapping

from hub.tools.policy.arguments import MAX_FINDINGS, check_arguments
from hub.tools.policy.formula import MAX_FOUND, Names, read_formula
from hub.tools.policy.names import WorkbookNames
from tests.fuzz.mutate import mutated
from tests.fuzz.protocol_targets import Target
from tests.tools.policy.corpus_report import NAMES, cases

READ = WorkbookNames(NAMES)
CALL = 'WEBSERVICE("https://evil.example")'


def reader(names: Names | None) -> Target:
    def run(data: bytes, source: random.Random) -> None:
        text = data.decode("utf-8", "surrogatepass" if source.randrange(2) else "replace") if _is_text(data) else ""
        reading = read_formula(text, names=names, lenient=bool(source.randrange(2)))
        assert len(reading.found) <= MAX_FOUND
        assert all(len(found.found) <= 80 and found.found.isprintable() and found.reason for found in reading.found)
        if read_formula(text, names=names).found == []:
            # A formula that is let pass is understood to its end: nothing can hide behind it, or before it.
            assert any(found.kind == "network" for found in read_formula(f"{text}&{CALL}", names=names).found)
            assert any(found.kind == "network" for found in read_formula(f"={CALL}&{text}", names=names).found)
            assert read_formula(text, names=names, lenient=True).found == []

    return Target(_SEEDS, run)


def arguments(data: bytes, source: random.Random) -> None:
    text = data.decode("utf-8", "replace")
    tool = source.choice(("write_range", "apply_formula", "create_named_range", "format_range", "paste"))
    values = {"range": text, "values": [[text, {"formula": text}]], "formula": text, "name": text, text: text}
    found = check_arguments(tool, values, names=READ)
    assert len(found) <= MAX_FINDINGS
    assert all(finding.path.startswith("$") and len(finding.path) < 500 for finding in found)
    assert check_arguments(tool, values, names=READ) == found


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


_SEEDS = [case.text.encode() for label in ("harmful", "harmless", "caution") for case in cases(label)]

TARGETS: Mapping[str, Target] = {
    "formula": reader(None),
    "formula with names": reader(READ),
    "arguments": Target(_SEEDS, arguments),
}


def run(name: str, seed: int, rounds: range) -> None:
    """Each round is known by the seed and its number; a failure says both."""
    target = TARGETS[name]
    for number in rounds:
        source = random.Random(f"{seed} {number}")
        data = mutated(source, target.seeds)
        try:
            target.run(data, source)
        except Exception as error:
            error.add_note(f"target {name!r}, seed {seed}, round {number}: {data!r}")
            raise


def main(seconds: float = 60, seed: int = 0) -> None:
    for name in TARGETS:
        end, done = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            run(name, seed, range(done, done + 1000))
            done += 1000
        print(f"{name}: {done} rounds")


if __name__ == "__main__":
    main(*(float(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else map(float, sys.argv[1:2]))
