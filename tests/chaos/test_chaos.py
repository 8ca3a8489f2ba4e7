"""The hub's promises hold while everything under it breaks (`tests.chaos.run`); the long form is `make chaos`."""

import json
import os
from pathlib import Path

import pytest

from tests.chaos.run import Plan, chaos

SEED = int(os.environ.get("HUBLINE_CHAOS_SEED", "20"))
FAULTS = int(os.environ.get("HUBLINE_CHAOS_FAULTS", "30"))


@pytest.mark.timeout(600 + 10 * FAULTS)
async def test_nothing_is_lost_doubled_or_moved_whatever_breaks(tmp_path: Path) -> None:
    report = await chaos(Plan(SEED, faults=FAULTS), tmp_path)
    said = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    assert not report.findings, f"HUBLINE_CHAOS_SEED={SEED} HUBLINE_CHAOS_FAULTS={FAULTS}: {said}"
    assert sum(report.faults.values()) >= FAULTS
    assert report.counts["runs complete"] > 0, said
    assert report.counts["approvals answered"] > 0, said
