"""Names of keys and channels; the only place where they are made.

    PREFIX:{BUCKET}:h:SESSION   hash     head: journal's epoch, identity, top, floor, fold; lease; inbox (see below)
    PREFIX:{BUCKET}:e:SESSION   stream   entries: one per append, its id the last offset, field p: MessagePack [bin, …]
    PREFIX:{BUCKET}:m:SESSION   zset     folded messages: score the place, member MessagePack [place, id, body]
    PREFIX:{BUCKET}:i:SESSION   hash     m:MESSAGE its place, p:PLACE whose that is
    PREFIX:{BUCKET}:p:SESSION   hash     what the inbox is done with: a:ask r:run n:note c:call
    PREFIX:{BUCKET}:s:SESSION   hash     the directory's record: v its version, r MessagePack of `SessionRecord`
    PREFIX:{BUCKET}:f:SESSION   hash     files: r:FILE MessagePack of `FileRecord`, t bytes of all, pN:FILE the Nth
                                         piece of its content (c:FILE all of it, of files of before there were pieces)
    PREFIX:{BUCKET}:u:USER      zset     a user's sessions by the time of their last change
    PREFIX:{BUCKET}:t:ID        string   a connection token that was used: its node
    PREFIX:{BUCKET}:due         zset     sessions by the expiry of their lease, or the arrival of undriven work
    PREFIX:{BUCKET}:fence       hash     newest: the newest fence given out; identity: by which store

    PREFIX:{BUCKET}:J:SESSION   channel  entries as stored: EPOCH FIRST-OFFSET MessagePack [bin, …]
    PREFIX:{BUCKET}:B:CHANNEL   channel  the bus: MessagePack [bin, …]
    PREFIX:{BUCKET}:P:NODE      channel  a node's probes of itself

Fields of the head: epoch identity top floor fold folded (the fold's state); f l r0…r3 (newest appends: fence, number,
and the last four as "fence number first last"); n o x (lease: number, owner, expiry); b v (inbox: state, version).

A session's bucket is its hash tag: all its keys, its channel and its place in the index of leases are in one slot of
a Cluster, so one script can do one act on all of them. The number of buckets is part of the format.
"""

import zlib

import msgspec
from redis.crc import key_slot

BUCKETS = 128
MAX_CACHED = 16_384


class SessionKeys(msgspec.Struct, frozen=True):
    bucket: int
    head: bytes
    stream: bytes
    rows: bytes
    ids: bytes
    past: bytes
    record: bytes
    channel: bytes
    files: bytes

    def all(self) -> tuple[bytes, ...]:
        """The six that live and expire together, in the order that scripts expect."""
        return (self.head, self.stream, self.rows, self.ids, self.past, self.record)


class Keys:
    """All names of one hub; `prefix` tells hubs that share a server apart."""

    def __init__(self, prefix: str) -> None:
        self._tagged = [f"{prefix}:{{{bucket}}}:".encode() for bucket in range(BUCKETS)]
        self._sessions: dict[str, SessionKeys] = {}
        self._bus: dict[str, tuple[int, bytes]] = {}

    def session(self, session_id: str) -> SessionKeys:
        keys = self._sessions.get(session_id)
        if keys is None:
            if len(self._sessions) >= MAX_CACHED:
                self._sessions.clear()
            raw = _raw(session_id)
            bucket = _bucket(raw)
            tag = self._tagged[bucket]
            keys = SessionKeys(
                bucket, *(tag + kind + raw for kind in (b"h:", b"e:", b"m:", b"i:", b"p:", b"s:", b"J:", b"f:"))
            )
            self._sessions[session_id] = keys
        return keys

    def bus(self, channel: str) -> tuple[int, bytes]:
        found = self._bus.get(channel)
        if found is None:
            if len(self._bus) >= MAX_CACHED:
                self._bus.clear()
            found = self._bus[channel] = self._named(b"B:", channel)
        return found

    def user(self, user: str) -> tuple[int, bytes]:
        return self._named(b"u:", user)

    def claim(self, connection_id: str) -> tuple[int, bytes]:
        return self._named(b"t:", connection_id)

    def due(self, bucket: int) -> bytes:
        return self._tagged[bucket] + b"due"

    def fence(self, bucket: int) -> bytes:
        return self._tagged[bucket] + b"fence"

    def probe(self, bucket: int, node: str) -> bytes:
        return self._tagged[bucket] + b"P:" + node.encode()

    def _named(self, kind: bytes, name: str) -> tuple[int, bytes]:
        raw = _raw(name)
        bucket = _bucket(raw)
        return bucket, self._tagged[bucket] + kind + raw


def slot_of(bucket: int) -> int:
    """The slot of a Cluster that holds a bucket."""
    return key_slot(str(bucket).encode())


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _bucket(raw: bytes) -> int:
    return zlib.crc32(raw) % BUCKETS
