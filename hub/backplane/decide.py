"""The decisions of an inbox and its lease, as functions over one session's `Box`. Pure: no store, no clock.

Every store runs the same functions inside its own atomic act: memory on the object it keeps, SQLite inside a
transaction, Redis by load, decide, compare-and-swap. So there is one place that says who wins.

A box holds only what is not done, so it stays small however long the session lives. What is done (asks, note ids,
first answers) is kept by the store beside it, looked up by id, and handed to the functions as `before`.

    accept ─→ queued ─→ active ─→ done            the first of `Box.asks` is the active one, the rest wait
                 (stopped_by may be set at any point before done)
"""

from collections.abc import Iterable

import msgspec

from hub.backplane.base import (
    Accepted,
    Ask,
    AskState,
    Fence,
    Known,
    Lease,
    Note,
    Position,
    Settle,
    Stopped,
    Work,
)
from hub.errors import StaleFence

MAX_REMEMBERED = 64
"""Stops remembered for asks that are not here yet, per session; over it the oldest is forgotten."""


class Remembered(msgspec.Struct):
    """A stop that came before its ask; forgotten from `until` on."""

    by: str
    until: int


class Held(msgspec.Struct):
    """The lease as it stands. It stays, expired, until it is released or somebody takes it."""

    fence: Fence
    expires_at: int


class Box(msgspec.Struct):
    """What one session's inbox holds that is not done, and its lease."""

    asks: list[Known] = []
    notes: list[Note] = []
    answers: dict[str, bytes] = {}
    stops: dict[str, Remembered] = {}
    held: Held | None = None
    since: int | None = None
    """When the work came that waits without a lease; None while there is a lease or no work."""


class Settled(msgspec.Struct, frozen=True):
    """What left the box: the store keeps it known from here on."""

    asks: list[Known]
    note_ids: list[str]
    answers: dict[str, bytes]


NOTHING_SETTLED = Settled([], [], {})


def has_work(box: Box) -> bool:
    return bool(box.asks or box.notes or box.answers)


def is_empty(box: Box) -> bool:
    """Whether a store may drop the box and make a new one when the session is next touched."""
    return box.held is None and not box.stops and not has_work(box)


def work(box: Box) -> Work:
    return Work(tuple(box.asks), tuple(box.notes), dict(box.answers))


def due(box: Box) -> int | None:
    """Its place in the index of leases by expiry: from when on anybody may take the session. None: not in it."""
    return box.since if box.held is None else box.held.expires_at


def find(box: Box, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
    """An ask that is not done, by either id."""
    for known in box.asks:
        if known.ask.run_id == run_id or known.ask.ask_id == ask_id:
            return known
    return None


def accept(box: Box, before: Known | None, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
    """Decide an ask. `before`: what the session knows under its ask id, or else under its run id, done or not.

    Asks that are stopped already do not count against `max_queued`, so that a full queue can be replaced; but never
    more than twice `max_queued` wait, whatever they are.
    """
    if before is not None:
        same = before.ask.ask_id == ask.ask_id and before.ask.digest == ask.digest
        return Accepted("repeated" if same else "conflict", before)
    if box.asks:
        waiting = box.asks[1:]
        live = 0 if ask.when_busy == "replace" else sum(known.stopped_by is None for known in waiting)
        room = max_queued > 0 and live < max_queued and len(waiting) < 2 * max_queued
        if ask.when_busy == "reject" or not room:
            return Accepted("busy", None)
        if ask.when_busy == "replace":
            _stop_where(box, {known.ask.run_id for known in box.asks}, "replaced")
    _forget_stops(box, now)
    stop = box.stops.pop(ask.ask_id, None)
    known = Known(ask, "queued" if box.asks else "active", position, None if stop is None else stop.by)
    box.asks.append(known)
    _work_came(box, now)
    return Accepted("new", known)


def stop(
    box: Box,
    before: Known | None,
    *,
    by: str,
    run_id: str | None,
    ask_id: str | None,
    queued: bool,
    now: int,
    remember_ms: int,
) -> Stopped:
    """Decide a stop. `before`: what the session knows of the run, or else the ask, that is named, done or not.

    A run is looked at before an ask where both are named. `queued` adds all that waits to whatever the target is.
    """
    waiting = [known.ask.run_id for known in box.asks[1:]] if queued else []
    if run_id is None and ask_id is None:
        run_ids = [known.ask.run_id for known in box.asks[:1]] + waiting
        _stop_where(box, set(run_ids), by)
        return Stopped("stopping" if run_ids else "nothing_running", run_ids)
    if before is not None and before.state != "done":
        run_ids = [before.ask.run_id, *(other for other in waiting if other != before.ask.run_id)]
        _stop_where(box, set(run_ids), by)
        return Stopped("stopping", run_ids)
    if before is None and run_id is not None:
        return Stopped("unknown_run", [])
    _stop_where(box, set(waiting), by)
    if before is not None:
        return Stopped("stopping" if waiting else "already_done", waiting or [before.ask.run_id])
    assert ask_id is not None  # the only target left
    _remember_stop(box, ask_id, by, now, remember_ms)
    return Stopped("stopping" if waiting else "remembered", waiting)


def note(box: Box, left_before: bool, note: Note, *, now: int) -> bool:
    """Whether the note is new and now in the box. `left_before`: it was settled already."""
    if left_before or any(other.note_id == note.note_id for other in box.notes):
        return False
    box.notes.append(note)
    _work_came(box, now)
    return True


def answer(box: Box, before: bytes | None, call_id: str, body: bytes) -> bytes:
    """The answer that stands. `before`: the first one, where it was settled already."""
    if before is not None:
        return before
    first = box.answers.setdefault(call_id, body)
    _work_came(box, 0)  # its time is not told: it counts as having waited longest
    return first


def hold(box: Box | None, fence: Fence) -> Held:
    """The session's lease, if `fence` holds it, expired or not. Raises `StaleFence` otherwise."""
    held = None if box is None else box.held
    if held is None:
        raise StaleFence(f"nobody holds this session; fence {fence.number} of {fence.owner} has ended")
    if held.fence is not fence and held.fence != fence:
        raise StaleFence(
            f"fence {held.fence.number} of {held.fence.owner} holds this session, "
            f"not fence {fence.number} of {fence.owner}"
        )
    return held


def take(box: Box, owner: str, number: int, *, now: int, lease_ms: int) -> Lease | None:
    """Lease the session to `owner`. `number` must be higher than any that the session had before."""
    if box.held is not None and now < box.held.expires_at:
        return None
    fence = Fence(number, owner)
    box.held = Held(fence, now + lease_ms)
    box.since = None
    return Lease(fence, box.held.expires_at, work(box))


def renew(box: Box | None, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None) -> Settled:
    """Renew and settle; what is left is `work(box)`. Raises `StaleFence` as `hold` does, with nothing changed."""
    hold(box, fence).expires_at = now + lease_ms
    assert box is not None  # or nobody would hold it
    return NOTHING_SETTLED if settle is None else _settle(box, settle)


def release(box: Box | None, fence: Fence) -> bool:
    """Whether the lease was given up. Raises `StaleFence` as `hold` does."""
    hold(box, fence)
    assert box is not None
    if has_work(box):
        return False
    box.held = None
    return True


def _settle(box: Box, settle: Settle) -> Settled:
    """Take what is settled out of the box. Ids that are not in it were settled before."""
    run_ids, note_ids = set(settle.run_ids), set(settle.note_ids)
    done = [_changed(known, "done", known.stopped_by) for known in box.asks if known.ask.run_id in run_ids]
    left = [known for known in box.asks if known.ask.run_id not in run_ids]
    if left and left[0].state == "queued":
        left[0] = _changed(left[0], "active", left[0].stopped_by)
    settled_notes = [note.note_id for note in box.notes if note.note_id in note_ids]
    settled_answers = {call: box.answers.pop(call) for call in settle.call_ids if call in box.answers}
    box.asks = left
    box.notes = [note for note in box.notes if note.note_id not in note_ids]
    return Settled(done, settled_notes, settled_answers)


def _stop_where(box: Box, run_ids: Iterable[str], by: str) -> None:
    """Set `stopped_by` on those that have none: the first stays."""
    for index, known in enumerate(box.asks):
        if known.ask.run_id in run_ids and known.stopped_by is None:
            box.asks[index] = _changed(known, known.state, by)


def _remember_stop(box: Box, ask_id: str, by: str, now: int, remember_ms: int) -> None:
    _forget_stops(box, now)
    there = box.stops.get(ask_id)
    if there is not None:
        there.until = max(there.until, now + remember_ms)
        return
    if len(box.stops) >= MAX_REMEMBERED:
        del box.stops[next(iter(box.stops))]
    box.stops[ask_id] = Remembered(by, now + remember_ms)


def _forget_stops(box: Box, now: int) -> None:
    for ask_id in [ask_id for ask_id, stop in box.stops.items() if now >= stop.until]:
        del box.stops[ask_id]


def _work_came(box: Box, now: int) -> None:
    if box.held is None and box.since is None:
        box.since = now


def _changed(known: Known, state: AskState, stopped_by: str | None) -> Known:
    return Known(known.ask, state, known.position, stopped_by)
