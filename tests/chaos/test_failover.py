"""What the hub promises holds while a sentinel gives another master, and the old one becomes its replica."""

import json
from pathlib import Path

import pytest

from tests.chaos.failover import failovers
from tests.chaos.run import Plan


@pytest.mark.timeout(600)
async def test_a_failover_leaves_no_hole(tmp_path: Path) -> None:
    report = await failovers(Plan(3, faults=1, sessions=12), tmp_path)
    said = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    assert not report.findings, said
    assert report.faults["failover"] == 1
    assert report.counts["new epochs"] > 0, said
