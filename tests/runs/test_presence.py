"""Who watches a session, told from node to node, with a clock of the test's own."""

from collections.abc import Collection

import msgspec

from hub.backplane.base import Backplane
from hub.runs.follow.presence import Change, PresenceLimits, Presences, Roster
from tests.runs.node import until


class Side:
    """One node's presences and what it pushed."""

    def __init__(self, backplane: Backplane, name: str, clock: list[float]) -> None:
        self.rosters: list[Roster] = []
        self.changes: list[Change] = []
        self.presences = Presences(backplane.bus, name, PresenceLimits(), lambda: clock[0], self._push)

    def _push(self, connections: Collection[str], payload: bytes) -> None:
        if b'"roster":' in payload:
            self.rosters.append(msgspec.json.decode(payload, type=Roster))
        else:
            self.changes.append(msgspec.json.decode(payload, type=Change))

    def left(self) -> list[str]:
        return [user for change in self.changes for user in change.left]

    def joined(self) -> list[str]:
        return [one.user for change in self.changes for one in change.joined]


async def _two(backplane: Backplane) -> tuple[Side, Side, list[float]]:
    """Ann watches at one node; Bob, at the other, receives presence."""
    clock = [100.0]
    one, two = Side(backplane, "one", clock), Side(backplane, "two", clock)
    await one.presences.join("ses", "c1", "ann", "owner")
    await two.presences.join("ses", "c2", "bob", "viewer")
    assert two.presences.set_state("ses", "c2", {})
    return one, two, clock


async def test_the_first_push_is_the_roster_of_all_nodes_then_states_follow(backplane: Backplane) -> None:
    one, two, _ = await _two(backplane)
    users = [present.user for roster in two.rosters for present in roster.roster] + two.joined()
    assert sorted(users) == ["ann", "bob"]
    assert one.rosters == [] and one.changes == []  # never set a state, so is told nothing
    one.presences.set_state("ses", "c1", {"typing": True})
    one.presences.tick()
    await until(lambda: any(change.updated for change in two.changes))
    assert two.changes[-1].updated[0].connections[0].state == {"typing": True}


async def test_who_comes_back_within_the_grace_has_never_left(backplane: Backplane) -> None:
    one, two, clock = await _two(backplane)
    one.presences.leave("ses", "c1")
    clock[0] += 2
    one.presences.tick()
    await one.presences.join("ses", "c3", "ann", "owner")
    await until(lambda: any(change.updated for change in two.changes))
    assert two.left() == []
    one.presences.leave("ses", "c3")
    clock[0] += 3
    one.presences.tick()
    await until(lambda: two.left() == ["ann"])


async def test_a_connection_that_watches_twice_leaves_with_its_last_watch(backplane: Backplane) -> None:
    one, two, clock = await _two(backplane)
    await one.presences.join("ses", "c1", "ann", "owner")
    one.presences.leave("ses", "c1")
    clock[0] += 4
    one.presences.tick()
    assert one.presences.set_state("ses", "c1", {})
    assert two.left() == []


async def test_a_silent_nodes_users_leave_and_come_back_when_it_speaks(backplane: Backplane) -> None:
    one, two, clock = await _two(backplane)
    clock[0] += 15
    two.presences.tick()
    assert two.left() == ["ann"]
    one.presences.tick()
    await until(lambda: "ann" in two.joined())


async def test_a_revoked_user_leaves_every_node_at_once(backplane: Backplane) -> None:
    one, two, _ = await _two(backplane)
    two.presences.revoke("ses", "ann")
    await until(lambda: two.left() == ["ann"])
    await until(lambda: not one.presences.set_state("ses", "c1", {}))
