"""Who watches a session, told from node to node, with a clock of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

import msgspec
import pytest
import pytest_asyncio

from hub.backplane.base import Backplane
from hub.errors import CallError
from hub.runs.follow.attendance import PresenceLimits
from hub.runs.follow.presence import Presences
from tests.runs.node import until

LIMITS = PresenceLimits(gather_s=0.001, max_user_connections=2, max_session_bytes=100)


class Side:
    """One node's presences, and for each connection what it was told: rosters, and changes folded into the last."""

    def __init__(self, backplane: Backplane, clock: list[float]) -> None:
        self.told: dict[str, list[dict[str, object]]] = {}
        self.slow: set[str] = set()
        self.presences = Presences(backplane.bus, LIMITS, lambda: clock[0])
        self.presences.push_by(self._push)

    def _push(self, connections: Sequence[str], payload: bytes) -> Collection[str]:
        for connection in set(connections) - self.slow:
            self.told.setdefault(connection, []).append(msgspec.json.decode(payload))
        return set(connections) & self.slow

    def join(self, connection: str, user: str, role: str = "viewer") -> None:
        self.presences.join("ses", connection, user, role)

    def lose(self, connection: str) -> None:
        self.presences.leave("ses", connection, is_lost=True)

    def state(self, connection: str, state: bytes) -> None:
        self.presences.set_state("ses", connection, state)

    def seen(self, connection: str) -> dict[str, tuple[str, dict[str, object]]]:
        """By user: role, and the states by connection; as a client folds it. Changes before a roster fail."""
        found: dict[str, tuple[str, dict[str, object]]] = {}
        for number, told in enumerate(self.told.get(connection, ())):
            assert told["sessionId"] == "ses"
            assert number > 0 or "roster" in told, told
            if "roster" in told:
                found = {}
            left = told.get("left", [])
            assert isinstance(left, list)
            for user in left:
                del found[user]
            for key in ("roster", "joined", "updated"):
                several = told.get(key, [])
                assert isinstance(several, list)
                for one in several:
                    assert (one["user"] in found) == (key == "updated"), told
                    states = {each["connectionId"]: each["state"] for each in one["connections"]}
                    found[one["user"]] = (one["role"], states)
        return found

    def kinds(self, connection: str) -> list[str]:
        return ["roster" if "roster" in told else "change" for told in self.told.get(connection, ())]


@pytest_asyncio.fixture
async def clock() -> list[float]:
    return [100.0]


@pytest_asyncio.fixture
async def sides(backplane: Backplane, clock: list[float]) -> AsyncIterator[tuple[Side, Side]]:
    """Ann watches at one node, Bob at the other; both have seen each other."""
    one, two = Side(backplane, clock), Side(backplane, clock)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(side.presences.run(group)) for side in (one, two)]
        await asyncio.sleep(0)
        one.join("c1", "ann", "owner")
        two.join("c2", "bob")
        await until(lambda: one.seen("c1") == two.seen("c2") == BOTH)
        yield one, two
        for task in running:
            task.cancel()


BOTH: dict[str, tuple[str, dict[str, object]]] = {"ann": ("owner", {"c1": {}}), "bob": ("viewer", {"c2": {}})}


async def test_all_who_watch_are_told_of_states_without_setting_one(sides: tuple[Side, Side]) -> None:
    one, two = sides
    one.state("c1", b'{"typing":true}')
    await until(lambda: two.seen("c2")["ann"] == ("owner", {"c1": {"typing": True}}))
    await until(lambda: one.seen("c1") == two.seen("c2"))
    assert one.kinds("c1")[0] == "roster" and "roster" not in one.kinds("c1")[1:]


async def test_changes_of_a_moment_are_told_once(sides: tuple[Side, Side]) -> None:
    one, two = sides
    before = len(two.told["c2"])
    for number in range(50):
        one.state("c1", b'{"at":%d}' % number)
    await until(lambda: two.seen("c2")["ann"][1] == {"c1": {"at": 49}})
    assert len(two.told["c2"]) == before + 1


async def test_connections_are_grouped_by_user(sides: tuple[Side, Side]) -> None:
    one, two = sides
    two.join("c3", "ann", "owner")
    await until(lambda: one.seen("c1").get("ann") == ("owner", {"c1": {}, "c3": {}}))
    await until(lambda: two.seen("c3") == two.seen("c2") == one.seen("c1"))
    two.presences.leave("ses", "c3", is_lost=False)
    await until(lambda: one.seen("c1") == BOTH)


async def test_who_comes_back_within_the_grace_has_never_left(sides: tuple[Side, Side], clock: list[float]) -> None:
    one, two = sides
    one.lose("c1")
    clock[0] += 2
    one.presences.tick()
    two.join("c3", "ann", "owner")  # at the other node
    await until(lambda: set(two.seen("c2")["ann"][1]) == {"c1", "c3"})
    clock[0] += 1
    one.presences.tick()
    await until(lambda: set(two.seen("c2")["ann"][1]) == {"c3"})
    two.lose("c3")
    two.join("c4", "ann", "owner")  # at the same one
    await until(lambda: set(two.seen("c2")["ann"][1]) == {"c4"})
    assert all(not told.get("left") for told in two.told["c2"])
    two.lose("c4")
    clock[0] += 3
    two.presences.tick()
    await until(lambda: set(two.seen("c2")) == {"bob"})
    assert one.presences.sessions == 0


async def test_a_connection_that_watches_twice_leaves_with_its_last_watch(sides: tuple[Side, Side]) -> None:
    one, two = sides
    one.join("c1", "ann", "owner")
    await until(lambda: one.kinds("c1").count("roster") == 2)  # each watch begins with one
    one.presences.leave("ses", "c1", is_lost=False)
    one.state("c1", b'{"here":1}')
    await until(lambda: two.seen("c2")["ann"][1] == {"c1": {"here": 1}})
    one.presences.leave("ses", "c1", is_lost=False)
    await until(lambda: set(two.seen("c2")) == {"bob"})
    with pytest.raises(CallError, match=r"^\[conflict\]"):
        one.state("c1", b"{}")


async def test_a_silent_nodes_users_leave_and_come_back_when_it_speaks(
    sides: tuple[Side, Side], clock: list[float]
) -> None:
    one, two = sides
    clock[0] += 15
    two.presences.tick()
    await until(lambda: set(two.seen("c2")) == {"bob"})
    one.presences.tick()
    await until(lambda: two.seen("c2") == BOTH)
    await until(lambda: one.seen("c1") == BOTH)


async def test_nodes_that_missed_each_other_meet_at_the_next_repeat(
    sides: tuple[Side, Side], clock: list[float]
) -> None:
    one, two = sides
    clock[0] += 15
    for side in sides:
        side.presences.tick()  # each takes the other for dead, and says what the other hears
    await until(lambda: one.seen("c1") == two.seen("c2") == BOTH)
    clock[0] += 5
    one.presences.tick()
    two.presences.ask_again("ses")
    await until(lambda: one.seen("c1") == two.seen("c2") == BOTH)


async def test_a_node_that_ends_leaves_its_users_their_grace(backplane: Backplane, clock: list[float]) -> None:
    one, two = Side(backplane, clock), Side(backplane, clock)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(side.presences.run(group)) for side in (one, two)]
        await asyncio.sleep(0)
        one.join("c1", "ann", "owner")
        two.join("c2", "bob")
        await until(lambda: one.seen("c1") == two.seen("c2") == BOTH)
        heard: list[bytes] = []
        await backplane.bus.subscribe("presence:ses", heard.append)
        running[0].cancel()
        await until(lambda: len(heard) == 1)
        clock[0] += 2
        two.presences.tick()
        two.join("c3", "ann", "owner")
        await until(lambda: set(two.seen("c2")["ann"][1]) == {"c1", "c3"})
        clock[0] += 1
        two.presences.tick()
        await until(lambda: set(two.seen("c2")["ann"][1]) == {"c3"})
        running[1].cancel()


async def test_roles_follow_and_who_was_lost_is_forgotten_with_the_access(sides: tuple[Side, Side]) -> None:
    one, two = sides
    one.presences.set_role("ses", "bob", "editor")
    await until(lambda: two.seen("c2")["bob"][0] == one.seen("c1")["bob"][0] == "editor")
    two.presences.revise("ses", {"ann": "owner", "bob": "viewer"})  # as it is stored: the message was wrong, or lost
    await until(lambda: two.seen("c2") == one.seen("c1") == BOTH)
    two.lose("c2")
    one.presences.set_role("ses", "bob", None)  # in the midst of the grace
    await until(lambda: set(one.seen("c1")) == {"ann"})
    await until(lambda: two.presences.sessions == 0)


async def test_who_has_a_backlog_is_told_the_roster_afterwards(sides: tuple[Side, Side]) -> None:
    one, two = sides
    two.slow.add("c2")
    before = len(two.told["c2"])
    one.state("c1", b'{"n":1}')
    await until(lambda: one.seen("c1")["ann"][1] == {"c1": {"n": 1}})
    one.state("c1", b'{"n":2}')
    await until(lambda: one.seen("c1")["ann"][1] == {"c1": {"n": 2}})
    two.join("c3", "cat")
    await until(lambda: "c3" in two.told and two.seen("c3")["ann"][1] == {"c1": {"n": 2}})
    assert len(two.told["c2"]) == before
    two.slow.clear()
    two.presences.tick()
    await until(lambda: two.seen("c2") == two.seen("c3"))
    assert two.kinds("c2")[before:] == ["roster"]


async def test_a_state_set_before_the_watch_has_begun_holds(sides: tuple[Side, Side]) -> None:
    one, two = sides
    two.presences.expect("ses", "c3")
    two.state("c3", b'{"early":true}')
    two.join("c3", "cat")
    two.presences.forgo("ses", "c3")
    await until(lambda: one.seen("c1").get("cat") == ("viewer", {"c3": {"early": True}}))
    two.presences.expect("ses", "c4")
    two.presences.forget("c4")
    with pytest.raises(CallError, match=r"^\[conflict\] This connection does not watch the session"):
        two.state("c4", b"{}")


async def test_what_is_shown_and_held_of_a_session_is_bounded(sides: tuple[Side, Side]) -> None:
    one, two = sides
    two.join("c3", "bob")
    two.join("c4", "bob")  # his third: told, and not shown
    await until(lambda: "c4" in two.told and set(two.seen("c4")["bob"][1]) == {"c2", "c3"})
    with pytest.raises(CallError, match=r"^\[too_large\] .*2 of one user"):
        two.state("c4", b"{}")
    two.state("c3", b'{"t":"%s"}' % (b"x" * 80))
    with pytest.raises(CallError, match=r"^\[too_large\] .*100 bytes"):
        two.state("c2", b'{"t":"%s"}' % (b"x" * 20))
    two.state("c3", b"{}")
    two.state("c2", b'{"t":"%s"}' % (b"x" * 20))
    await until(lambda: one.seen("c1")["bob"][1] == {"c2": {"t": "x" * 20}, "c3": {}})


async def test_what_this_version_does_not_know_is_ignored(sides: tuple[Side, Side], backplane: Backplane) -> None:
    one, _ = sides
    backplane.bus.publish("presence:ses", msgspec.msgpack.encode(["later", "node", 1]))
    one.state("c1", b'{"n":1}')
    await until(lambda: one.seen("c1")["ann"][1] == {"c1": {"n": 1}})
