"""A rolling restart, small; with 2,000 connections it is `python -m tests.chaos.rolling`."""

from pathlib import Path

from tests.chaos.rolling import Rolling, rolling


async def test_clients_see_a_reconnect_and_nothing_else(tmp_path: Path) -> None:
    plan = Rolling(connections=60, sessions=10, spread_s=1.0, pieces_per_s=20.0)
    report = await rolling(plan, tmp_path)
    assert report.findings == []
    assert len(report.drained_s) == plan.nodes
    assert report.counts["reconnects"] >= plan.connections  # each node's clients, and those who went there before
    assert report.counts["snapshots"] <= plan.connections + report.counts["reconnects"] // 10  # the rest went on
