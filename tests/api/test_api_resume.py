"""A stream that is cut goes on where it was: nothing is missing, nothing comes twice."""

import asyncio
import random

import pytest

from tests.api.serving import Api, Client, Event, both_stores
from tests.runs.scripted import Act, ScriptedProvider, says

MESSAGES, EVENTS = "/sessions/ses/messages", "/sessions/ses/events"
GATES, PIECES = 12, 15


class Gated:
    """An answer of many pieces, a gate before each few of them."""

    def __init__(self) -> None:
        self.pieces = [[f"{gate}.{piece} é\n" for piece in range(PIECES)] for gate in range(GATES)]
        self.gates = [asyncio.Event() for _ in range(GATES)]
        self.text = "".join(piece for pieces in self.pieces for piece in pieces)

    def asked(self, provider: ScriptedProvider) -> None:
        """The provider answers the next request with it."""
        acts: list[Act] = []
        for gate, pieces in zip(self.gates, self.pieces, strict=True):
            acts.append(gate)
            for piece in pieces:
                acts.extend([*says(piece)[:-1], None])
        provider.scripts.append([*acts, *says()])

    def open_next(self) -> None:
        for gate in self.gates:
            if not gate.is_set():
                gate.set()
                return

    def open_all(self) -> None:
        for gate in self.gates:
            gate.set()

    def is_at_gate(self, event: Event) -> bool:
        """Whether nothing may come after this event until the next gate opens."""
        text = partial_of(event.value) if event.type == "snapshot" else str(event.value.get("delta", ""))
        return event.type == "done" or any(text.endswith(pieces[-1]) for pieces in self.pieces)


def shown(events: list[Event]) -> str:
    """The answer's text, as a client shows it that takes these events. Offsets have no holes between snapshots."""
    text, offset = "", None
    for event in events:
        at = event.value["offset"]
        assert isinstance(at, int)
        assert event.id.endswith(f":{at}")
        if event.type == "snapshot":
            text = partial_of(event.value)
        else:
            assert offset is not None, "it begins with a snapshot"
            assert at == offset + 1, (offset, event.value)
        if event.type == "text":
            text += str(event.value["delta"])
        offset = at
    return text


def partial_of(snapshot: object) -> str:
    """The newest answer's text in a snapshot."""
    assert isinstance(snapshot, dict)
    run = snapshot.get("run")
    answers = [one for one in snapshot["messages"] if one["role"] == "assistant"]
    newest = run["message"] if run else answers[-1] if answers else {"parts": []}
    return "".join(part["text"] for part in newest["parts"])


async def read_some(
    ann: Client, last: str | None, count: int, answer: Gated, *, by_query: bool = False, opens: bool = False
) -> list[Event]:
    """At most so many events after one, then the connection is cut. `opens`: the next gate, while we read."""
    headers = {"last_event_id": last} if last and not by_query else {}
    path = f"{EVENTS}?after={last}" if last and by_query else EVENTS
    found: list[Event] = []
    async with ann.events(path, **headers) as stream:
        if opens:
            answer.open_next()
        while len(found) < count and not (found and answer.is_at_gate(found[-1])):
            event = await stream.next()
            assert event is not None
            found.append(event)
    return found


@both_stores
@pytest.mark.parametrize("seed", range(3))
async def test_cut_anywhere_it_goes_on_right_there(api: Api, ann: Client, seed: int) -> None:
    chosen = random.Random(seed)
    await ann.open()
    answer = Gated()
    answer.asked(api.provider)
    run = await ann.ask("POST", MESSAGES, {"content": "hi"}, 202, prefer="respond-async")
    events: list[Event] = []
    while not events or events[-1].type != "done":
        last = events[-1].id if events else None
        opens = chosen.random() < 0.5
        if not opens:
            answer.open_next()
        count, by_query = chosen.randint(1, PIECES), chosen.random() < 0.3
        events += await read_some(ann, last, count, answer, by_query=by_query, opens=opens)
    assert shown(events) == answer.text
    assert [event.type for event in events].count("snapshot") == 1  # all after each position was still at hand
    assert {event.id.rpartition(":")[0] for event in events} == {events[0].value["epoch"]}
    done = await ann.ask("GET", f"/sessions/ses/runs/{run['runId']}")
    assert done["state"] in ("running", "done")
    late = await read_some(ann, events[-2].id, 1, answer)
    assert late == events[-1:]


@both_stores
async def test_the_stream_of_an_answer_goes_on_as_that_of_its_session(api: Api, ann: Client) -> None:
    await ann.open()
    answer = Gated()
    answer.asked(api.provider)
    async with ann.events(MESSAGES, {"messageId": "m1", "content": "hi"}, "POST") as stream:
        answer.open_next()
        events = await stream.until("text")
    answer.open_all()
    async with ann.events(EVENTS, last_event_id=events[-1].id) as stream:
        rest = await stream.until("done")
    assert "".join(str(one.value["delta"]) for one in [*events, *rest] if one.type == "text") == answer.text
    assert "snapshot" not in {event.type for event in rest}
    offsets = [event.value["offset"] for event in [events[-1], *rest]]
    assert offsets == list(range(int(str(offsets[0])), int(str(offsets[0])) + len(offsets)))


@both_stores
async def test_asked_again_in_the_middle_it_is_the_same_answer(api: Api, ann: Client) -> None:
    await ann.open()
    answer = Gated()
    answer.asked(api.provider)
    message = {"messageId": "m1", "content": "hi"}
    async with ann.events(MESSAGES, message, "POST") as stream:
        answer.open_next()
        await stream.until("text")
    async with ann.events(MESSAGES, message, "POST") as stream:
        answer.open_all()
        events = await stream.until("done")
    # From the run's begin on, or from a snapshot.
    text = partial_of(events[0].value) if events[0].type == "snapshot" else ""
    assert text + "".join(str(one.value["delta"]) for one in events if one.type == "text") == answer.text
    assert len(api.provider.streams) == 1


async def test_a_position_that_is_not_there_begins_with_a_snapshot(api: Api, ann: Client) -> None:
    opened = await ann.open()
    await ann.ask("POST", MESSAGES, {"content": "hi"})
    for position in ("other-epoch:3", f"{opened['epoch']}:999999"):
        async with ann.events(EVENTS, last_event_id=position) as stream:
            event = await stream.next()
        assert event is not None
        assert event.type == "snapshot"
        assert partial_of(event.value) == "ok"


async def test_what_is_no_position_is_refused(ann: Client) -> None:
    await ann.open()
    for position in ("17", "a:b", ":", ":3", "a:b:3", "a:", "a:-1", "a:1.5", "a:99999999999999999"):
        answer = await ann.http.get("/api/sessions/ses/events", headers={"last-event-id": position})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_arguments")
        assert (await ann.http.get("/api/sessions/ses/events", params={"after": position})).status_code == 400


async def test_what_is_wrong_about_a_position_is_said_of_what_holds_it(ann: Client) -> None:
    await ann.open()
    for header, query, name in (
        ("bogus", "", "Last-Event-ID"),
        ("bogus", "e:1", "Last-Event-ID"),
        ("", "bogus", "after"),
    ):
        asked = await ann.http.get(f"/api{EVENTS}", params={"after": query}, headers={"last-event-id": header})
        assert asked.status_code == 400
        assert asked.json()["detail"].startswith(f"{name}: ")
