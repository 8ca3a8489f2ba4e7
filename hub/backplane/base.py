"""The interfaces of a backplane, and the structs that travel through them.

Five things, each with one purpose:

- `Bus` carries bytes to whoever listens now. It stores nothing.
- `Journal` keeps each session's events in order and publishes them as they are stored.
- `Inbox` decides, in one atomic act each, everything that is asked of a session; `Leases` say which node does it.
- `Directory` knows which sessions there are, and whose they are.
- `Files` keeps what was uploaded to a session, or made in it.

Common rules. A method that cannot reach its store raises `BackplaneAway`; what it asked may or may not have happened,
and every method is written so that asking again is safe. Times are integer milliseconds since 1970 and come from the
caller. A backplane is used from one event loop.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

# ---------------------------------------------------------------------------------------------------------- bus


class Subscription(Protocol):
    """A live subscription. `close` is idempotent; after it returns the receiver is not called again."""

    def close(self) -> None: ...


class Bus(Protocol):
    """Bytes to whoever listens now, on this node and on others.

    Messages of one publisher on one channel arrive in the order published. A message may be lost when the store is
    away; receivers that cannot bear that check their position (see `Journal.top`).
    """

    def publish(self, channel: str, payload: bytes) -> None:
        """Send to all subscribers of `channel`, those of this node included. Never waits, never raises."""
        ...

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> Subscription:
        """Call `receive` with every payload published on `channel` from the moment this returns.

        `receive` runs on the event loop, must not block and must not raise.
        """
        ...


# ------------------------------------------------------------------------------------------------------ journal


class Position(msgspec.Struct, frozen=True):
    """A place in a journal: everything up to and with `offset`, in the numbering `epoch`. Offset 0: nothing."""

    epoch: str
    offset: int


class Fence(msgspec.Struct, frozen=True):
    """The right to write one session's journal: the lease's growing number, and the node that holds it."""

    number: int
    owner: str


class Entry(msgspec.Struct, frozen=True):
    """One stored event. `payload` is its JSON object without the offset, which readers splice in before its last
    brace."""

    epoch: str
    offset: int
    payload: bytes


class Row(msgspec.Struct, frozen=True):
    """One folded message of a session: its place in the session's order (from 1, growing) and its JSON."""

    place: int
    message_id: str
    body: bytes


class Fold(msgspec.Struct, frozen=True):
    """A session folded up to `offset`: what `Journal.compact` stores and `Journal.read` returns.

    `state` is the fold's own JSON (all but the messages). `rows`: to `compact`, the messages that changed since
    the fold before; from `read`, as many of the newest as were asked for, in order.
    """

    offset: int
    state: bytes
    rows: Sequence[Row] = ()


class Page(msgspec.Struct, frozen=True):
    """What `Journal.read` found, all of one moment.

    `entries` follow each other without a hole. If `complete`, they are all that came after the position asked for;
    if not (position of another epoch, beyond the top, or already trimmed; or none was given), they are all that came
    after `fold` (from the journal's begin when `fold` is None).
    """

    epoch: str
    top: int
    complete: bool
    entries: Sequence[Entry]
    fold: Fold | None = None


class Appended(msgspec.Struct, frozen=True):
    """Where an append was stored: its events have the offsets `first` to `last`."""

    epoch: str
    first: int
    last: int


class Journal(Protocol):
    """Each session's events, ordered, durable, published as stored.

    Offsets rise by one within an epoch, and stored order is published order. A new epoch begins when the store's
    identity differs from the one that the session was last written under (it may have lost its tail).
    """

    def append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> asyncio.Future[Appended]:
        """Store events and publish them, as one atomic act; the future resolves once they are stored.

        `number` counts this fence's appends from 1: a repeat of the same (fence, number) stores nothing and returns
        what it got before. The act begins at once, in the order of calls; the memory store has finished when it
        returns. Raises (in the future) `StaleFence` if `fence` does not hold the session's lease (expired is as good
        as held until somebody takes it), or if `number` is lower than one that is stored and its own answer is no
        longer remembered: keep few appends on their way, and repeat one before going on to the next. So it does if the
        store has lost the append before this one: a journal may end early, it has no hole.
        """
        ...

    async def follow(self, session_id: str, receive: Callable[[Sequence[Entry]], None]) -> Subscription:
        """Call `receive` with entries of this session as they are stored, from the moment this returns.

        Batches come in the order stored; a lost one shows as a hole in the offsets. An empty one says that some may
        have been lost while the store was away: compare with `top`.
        """
        ...

    async def read(self, session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        """What came after a position, or else the fold and what came after it. See `Page`.

        `rows`: how many of the fold's newest messages come with it; None: all.
        """
        ...

    async def top(self, session_id: str) -> Position:
        """The position of the newest entry; begins an epoch for a session that has none."""
        ...

    async def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        """Store `fold` and trim the entries up to its offset, as one act. Idempotent.

        False, and nothing stored, if a fold of the same or a higher offset is already there (a late compactor), or
        if the fold's offset is beyond the journal's top. Raises `StaleFence` as `append` does.
        """
        ...

    async def rows(self, session_id: str, before: int | str | None = None, limit: int | None = None) -> list[Row]:
        """The folded messages below a place, or below the message with that id; the newest `limit` of them, in order
        (oldest first). Raises LookupError for an id that no folded message has."""
        ...

    async def delete(self, session_id: str) -> None:
        """Forget the session's events, fold and messages. Its followers are not told."""
        ...


# -------------------------------------------------------------------------------------------------------- inbox

WhenBusy = Literal["queue", "reject", "replace"]
AskState = Literal["queued", "active", "done"]


class Ask(msgspec.Struct, frozen=True):
    """A request for one run.

    `ask_id` (the message's or the regeneration's id) is idempotent for the life of the session; `digest` tells another
    content under the same id. `body` is what the driver needs to do it, opaque here.
    """

    ask_id: str
    run_id: str
    digest: str
    body: bytes
    asked_at: int
    when_busy: WhenBusy = "queue"


class Known(msgspec.Struct, frozen=True):
    """What the inbox knows of an ask. `position` is the journal's top when it was accepted, as the caller gave it.

    `stopped_by` is set once a stop was decided for it, also one that came before the ask itself.
    """

    ask: Ask
    state: AskState
    position: Position
    stopped_by: str | None = None


class Accepted(msgspec.Struct, frozen=True):
    """How an ask was decided.

    `outcome`: `new` (stored; see `known.state`), `repeated` (the same was asked before; `known` is what was stored
    then, with its state of now), `conflict` (another content under this id), `busy` (rejected as asked, or the queue
    is full; nothing stored; `known` is None).
    """

    outcome: Literal["new", "repeated", "conflict", "busy"]
    known: Known | None


class Stopped(msgspec.Struct, frozen=True):
    """How a stop was decided; `run_ids` are the runs it concerns. `unknown_run`: no such run, nothing stored."""

    outcome: Literal["stopping", "remembered", "already_done", "nothing_running", "unknown_run"]
    run_ids: Sequence[str]


class Note(msgspec.Struct, frozen=True):
    """Events that somebody who does not drive the session wants in its journal: a change of settings, a rating, a
    client's error. The driver appends the payloads, then settles the note. Idempotent by `note_id`."""

    note_id: str
    payloads: Sequence[bytes]


class Work(msgspec.Struct, frozen=True):
    """All that the driver of a session still has to do, of one moment, oldest first.

    `asks` are those not done, the active one (if any) first. `answers` are the first answers by call id (approvals,
    tool results) that were not settled yet.
    """

    asks: Sequence[Known] = ()
    notes: Sequence[Note] = ()
    answers: Mapping[str, bytes] = {}


class Settle(msgspec.Struct, frozen=True):
    """What the driver has finished: runs whose `done` is stored, notes that are appended, answers that are used."""

    run_ids: Sequence[str] = ()
    note_ids: Sequence[str] = ()
    call_ids: Sequence[str] = ()


class Inbox(Protocol):
    """What was asked of each session, each thing decided by one atomic act.

    At most one ask of a session is `active`; the oldest queued one becomes active in the same act that settles the
    one before. A session with work left and no lease stands in the index of leases as expired since the work came,
    so that nothing accepted is lost when its node dies before driving it.
    """

    async def accept(self, session_id: str, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
        """Decide an ask: `active` if nothing is, else as its `when_busy` says.

        `replace` stops the active run and all that waits (`stopped_by` is then "replaced"), and queues the ask behind
        them. An ask whose id a stop was remembered for is stored with `stopped_by` set. A run id that another ask has
        is a `conflict`. Stopped asks do not count against `max_queued`, so a full queue can be replaced, but never
        more than twice `max_queued` wait.
        """
        ...

    async def stop(
        self,
        session_id: str,
        *,
        by: str,
        run_id: str | None = None,
        ask_id: str | None = None,
        queued: bool = False,
        now: int,
        remember_ms: int,
    ) -> Stopped:
        """Decide a stop of one run, or of one ask (remembered for `remember_ms` if it is not here yet), or, without
        either, of the active run; with `queued` also of all that waits. Idempotent; the first `by` stays.

        `unknown_run` stops nothing, with `queued` either. Stops remembered have a bound per session; over it the oldest
        is forgotten."""
        ...

    async def note(self, session_id: str, note: Note, *, now: int) -> None:
        """Leave events for the driver to append. A note id that was left before is not left again."""
        ...

    async def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        """Answer a call; the first answer wins and is returned, to whoever asks, for the life of the session.

        Its time is not told: as work without a lease it counts as having waited longest."""
        ...

    async def known(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        """What is stored of an ask, by its run or its own id."""
        ...

    async def delete(self, session_id: str) -> None:
        """Forget all of the session, its lease included: its driver's next act raises `StaleFence`."""
        ...


class Lease(msgspec.Struct, frozen=True):
    """The right to drive a session until `expires_at`, and what is to be done under it."""

    fence: Fence
    expires_at: int
    work: Work


class Leases(Protocol):
    """Who drives which session. Of one atomic domain with the inbox and the journal's fence check.

    A fence's number is higher than any that the session had before, also when it was deleted and made anew.
    """

    async def take(self, session_id: str, owner: str, *, now: int, lease_ms: int) -> Lease | None:
        """Become the driver, with a new fence, if there is no lease or it has expired. None: somebody drives."""
        ...

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        """Settle what is done, renew, and return what is left, as one act.

        Also works on a lease that has expired and that nobody took meanwhile. Raises `StaleFence` otherwise, and where
        the store has lost append number `appended` of this fence, which it had stored (0: there was none): a driver
        that waits, and appends nothing, would not notice that nobody can see any more what it waits for.
        """
        ...

    async def release(self, session_id: str, fence: Fence) -> bool:
        """Give the lease up if no work is left; False (and the lease stays) if there is some.

        Raises `StaleFence` as `renew` does.
        """
        ...

    async def expired(self, *, now: int, limit: int) -> list[str]:
        """Sessions whose lease has expired without being released, or which have work and no lease; longest first."""
        ...


# ---------------------------------------------------------------------------------------------------- directory


class SessionRecord(msgspec.Struct, frozen=True):
    """A session as lists need it. `body` is the session object's JSON; `version` counts its changes."""

    session_id: str
    owner: str
    members: Mapping[str, str]
    updated_at: int
    body: bytes
    version: int = 0


class Directory(Protocol):
    """Which sessions there are, and whose."""

    async def create(self, record: SessionRecord) -> SessionRecord:
        """Store a new session, or return the one that is already there under this id, unchanged."""
        ...

    async def get(self, session_id: str) -> SessionRecord | None: ...

    async def replace(self, record: SessionRecord) -> bool:
        """Store a changed session if the stored version is still `record.version`; it becomes one higher.

        False if it has changed meanwhile or is gone: read again and decide again.
        """
        ...

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        """The sessions that `user` owns or is a member of, newest `updated_at` first, below `before`."""
        ...

    async def delete(self, session_id: str) -> bool:
        """Whether there was one."""
        ...


# -------------------------------------------------------------------------------------------------------- files


class FileRecord(msgspec.Struct, frozen=True):
    """What is known of a file besides its bytes. `size` is their number; `session_created_at` tells the session from
    a later one with the same id."""

    file_id: str
    name: str
    media_type: str
    size: int
    session_created_at: int


class Files(Protocol):
    """The files of sessions. They live as long as the session's other keys do, and are never changed."""

    async def put(self, session_id: str, record: FileRecord, content: bytes, *, max_total_bytes: int) -> bool:
        """Store a file, as one act, unless the session's files would then be over `max_total_bytes` together.

        False: over, and nothing stored. An id that is there already stays as it is (True): ids are used once.
        """
        ...

    async def get(self, session_id: str, file_id: str) -> FileRecord | None: ...

    async def content(self, session_id: str, file_id: str) -> bytes | None: ...

    async def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        """At most `size` bytes from `offset` on, fewer only where the file ends.

        Costs about what is read, not the file: who sends it to somebody slow holds a piece of it."""
        ...

    async def total(self, session_id: str) -> int:
        """The bytes of all files of the session, as `put` bounds them."""
        ...

    async def remove(self, session_id: str, file_id: str) -> None:
        """Forget one file, if it is there."""
        ...

    async def delete(self, session_id: str) -> None:
        """Forget all files of the session."""
        ...


class Backplane(Protocol):
    """All of them together, of one store."""

    bus: Bus
    journal: Journal
    inbox: Inbox
    leases: Leases
    directory: Directory
    files: Files

    async def start(self) -> None:
        """Open the store. Raises `SettingsError` with what to do if it cannot be used."""
        ...

    async def close(self) -> None: ...
