"""Who watches a session: what clients are told of it (`Presence`), and what nodes tell each other.

| invoked at clients | when |
|---|---|
| `Presence({sessionId, roster})` | a watch began, or changes were left out while the client had a backlog |
| `Presence({sessionId, joined, updated, left})` | for each change afterwards; `left` are users |
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import WireStruct


class Connection(WireStruct, frozen=True, kw_only=True):
    connection_id: str
    state: msgspec.Raw


class Present(WireStruct, frozen=True, kw_only=True):
    """A user with all their connections that watch."""

    user: str
    role: str
    connections: Sequence[Connection]


class Roster(WireStruct, frozen=True, kw_only=True):
    session_id: str
    roster: Sequence[Present]


class Change(WireStruct, frozen=True, kw_only=True):
    session_id: str
    joined: Sequence[Present]
    updated: Sequence[Present]
    left: Sequence[str]


class Here(msgspec.Struct, frozen=True, array_like=True):
    """A connection that watches. `state` is a JSON object."""

    connection_id: str
    user: str
    role: str
    state: bytes = b"{}"


class Whole(msgspec.Struct, frozen=True, array_like=True, tag="whole"):
    """All who watch at a node. `asks`: the others shall say theirs."""

    node: str
    here: Sequence[Here]
    asks: bool


class Some(msgspec.Struct, frozen=True, array_like=True, tag="some"):
    """What has changed at a node."""

    node: str
    here: Sequence[Here]
    gone: Sequence[str]


class Member(msgspec.Struct, frozen=True, array_like=True, tag="member"):
    """A user's role has changed; "" takes them out."""

    node: str
    user: str
    role: str


class Bye(msgspec.Struct, frozen=True, array_like=True, tag="bye"):
    """The node ends. Its clients will be back at others."""

    node: str


Said = Whole | Some | Member | Bye
"""On the session's channel of the bus. Fields are added last."""

encode_said = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Said)


def decode_said(payload: bytes) -> Said | None:
    """None if this version does not know it."""
    try:
        said: Said = _decoder.decode(payload)
    except msgspec.DecodeError:
        return None
    return said


def by_user(present: Iterable[Here]) -> dict[str, Present]:
    """Each user with their connections, in an order that is the same on all nodes."""
    found: dict[str, list[Here]] = {}
    for here in sorted(present, key=lambda here: (here.user, here.connection_id)):
        found.setdefault(here.user, []).append(here)
    return {
        user: Present(
            user=user,
            role=several[-1].role,
            connections=[Connection(connection_id=one.connection_id, state=msgspec.Raw(one.state)) for one in several],
        )
        for user, several in found.items()
    }


def change_between(session_id: str, before: Mapping[str, Present], after: Mapping[str, Present]) -> Change | None:
    joined = [one for user, one in after.items() if user not in before]
    updated = [one for user, one in after.items() if user in before and before[user] != one]
    left = [user for user in before if user not in after]
    if not joined and not updated and not left:
        return None
    return Change(session_id=session_id, joined=joined, updated=updated, left=left)
