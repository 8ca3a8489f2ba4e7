"""The stored hosts of a session, by themselves: who is there, who gets calls, who is gone."""

from hub.runs.hosts.records import (
    MAX_CONNECTIONS,
    Hosts,
    Registration,
    beaten,
    host_id_of,
    left,
    present,
    register,
)
from hub.tools.client_side import ClientTool

GRACE_MS = 1_000
SILENT_MS = 600
TOOLS = [ClientTool(name="read_range")]


def by(connection_id: str, *, host_id: str = "h", name: str = "Book", has_key: bool = True) -> Registration:
    return Registration(
        host_id=host_id, name=name, user="ann", connection_id=connection_id, tools=TOOLS, has_key=has_key
    )


def registered(*registrations: Registration, now: int = 0) -> Hosts:
    hosts: Hosts = []
    for one in registrations:
        hosts, _ = register(hosts, one, now=now, grace_ms=GRACE_MS)
    return hosts


def newest(hosts: Hosts, now: int) -> str | None:
    return hosts[0].newest(now=now, silent_ms=SILENT_MS)


def test_the_newest_connection_gets_calls_also_when_an_older_one_registers_again() -> None:
    hosts = registered(by("a"), by("b"))
    assert newest(hosts, 0) == "b"
    assert newest(registered(by("a"), by("b"), by("a")), 0) == "a"
    assert newest(left(hosts, "b", now=5), 5) == "a"


def test_a_host_is_there_until_the_grace_after_its_last_connection_is_over() -> None:
    hosts = left(registered(by("a")), "a", now=100)
    assert newest(hosts, 100) is None
    assert hosts[0].ended_at("a", now=150, silent_ms=SILENT_MS) == 100
    assert present(hosts, now=1_100, grace_ms=GRACE_MS)
    assert not present(hosts, now=1_101, grace_ms=GRACE_MS)


def test_a_host_of_a_node_that_says_nothing_any_more_vanishes() -> None:
    hosts = registered(by("a"))
    assert newest(hosts, 600) == "a" and newest(hosts, 601) is None
    assert hosts[0].ended_at("a", now=601, silent_ms=SILENT_MS) == 0
    assert not present(hosts, now=1_001, grace_ms=GRACE_MS)


def test_a_beat_keeps_its_own_connections_only() -> None:
    hosts = registered(by("a"), by("b"))
    hosts = beaten(hosts, [by("b")], now=900, grace_ms=GRACE_MS)
    assert [(one.connection_id, one.seen_at) for one in hosts[0].connections] == [("a", 0), ("b", 900)]
    hosts = beaten(hosts, [by("b")], now=1_800, grace_ms=GRACE_MS)
    assert [one.connection_id for one in hosts[0].connections] == ["b"]


def test_a_beat_brings_back_what_the_store_has_lost() -> None:
    hosts = beaten([], [by("a"), by("b", host_id="other", name="Plan")], now=7, grace_ms=GRACE_MS)
    assert [(host.host_id, host.prefix) for host in hosts] == [("h", ""), ("other", "Plan")]


def test_a_beat_of_a_node_takes_away_the_dead_hosts_of_others() -> None:
    hosts = registered(by("a"), by("b", host_id="other", name="Plan"))
    hosts = beaten(hosts, [by("b", host_id="other", name="Plan")], now=2_000, grace_ms=GRACE_MS)
    assert [host.host_id for host in hosts] == ["other"]
    assert hosts[0].prefix == "Plan"  # a name that models were shown stays


def test_a_host_that_is_withdrawn_is_gone_at_once_unless_another_tab_has_it() -> None:
    assert left(registered(by("a")), "a", now=1, host_id="h") == []
    assert left(registered(by("a")), "a", now=1, host_id="another") == registered(by("a"))
    (kept,) = left(registered(by("a"), by("b")), "b", now=1, host_id="h")
    assert [one.connection_id for one in kept.connections] == ["a"]


def test_without_a_key_a_host_is_known_by_its_name_and_connection() -> None:
    first, second = by("a", has_key=False), by("b", host_id="i", has_key=False)
    hosts = registered(first, second)
    assert [(host.host_id, host.prefix) for host in hosts] == [("h", ""), ("i", "Book")]
    assert registered(first, by("a", host_id="new", has_key=False)) == registered(first)
    gone = left(registered(first), "a", now=5)
    (taken,), host_id = register(gone, second, now=6, grace_ms=GRACE_MS)
    assert (taken.host_id, host_id, taken.prefix, taken.left_at) == ("i", "i", "", 0)


def test_a_host_keeps_so_many_connections() -> None:
    hosts = registered(*(by(f"c{number}") for number in range(MAX_CONNECTIONS + 1)))
    assert len(hosts[0].connections) == MAX_CONNECTIONS
    assert hosts[0].connections[0].connection_id == "c1"


def test_a_key_is_good_for_one_user_one_session_and_one_name() -> None:
    ids = {
        host_id_of("s", 1, "ann", "Book", "key"),
        host_id_of("s", 2, "ann", "Book", "key"),
        host_id_of("t", 1, "ann", "Book", "key"),
        host_id_of("s", 1, "bob", "Book", "key"),
        host_id_of("s", 1, "ann", "Plan", "key"),
        host_id_of("s", 1, "ann", "Book", "yek"),
    }
    assert len(ids) == 6
