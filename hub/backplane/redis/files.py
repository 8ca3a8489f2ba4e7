"""The files of a session: one hash beside its other keys, which lives and expires with them."""

import msgspec

from hub.backplane.base import FileRecord
from hub.backplane.redis.servers import Servers

PIECE_BYTES = 128 * 1024
"""Redis gives out no part of a field, so a content is in many. Part of the format."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileRecord).decode


class RedisFiles:
    """`Files`."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._keys = servers.keys
        self._retention_ms = round(servers.options.retention_s * 1000)

    async def put(self, session_id: str, record: FileRecord, content: bytes, *, max_total_bytes: int) -> bool:
        keys = self._keys.session(session_id)
        reply = await self._servers.run(
            keys.bucket,
            "file",
            (keys.files,),
            *(record.file_id, len(content), max_total_bytes, _encode(record), self._retention_ms),
            *(content[begin : begin + PIECE_BYTES] for begin in range(0, len(content), PIECE_BYTES)),
        )
        return reply == 1

    async def get(self, session_id: str, file_id: str) -> FileRecord | None:
        found = await self._field(session_id, f"r:{file_id}")
        return None if found is None else _decode(found)

    async def content(self, session_id: str, file_id: str) -> bytes | None:
        record = await self.get(session_id, file_id)
        return None if record is None else await self.read(session_id, file_id, 0, record.size)

    async def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        keys = self._keys.session(session_id)
        first, end = offset // PIECE_BYTES, -(-(offset + size) // PIECE_BYTES)
        fields = [f"p{number}:{file_id}" for number in range(first, end)]
        found = await self._servers.call(keys.bucket, b"HMGET", keys.files, f"r:{file_id}", *fields)
        assert isinstance(found, list)
        if not isinstance(found[0], bytes):
            return None
        content = b"".join(piece for piece in found[1:] if isinstance(piece, bytes))
        begin = offset - first * PIECE_BYTES
        if not content and offset < _decode(found[0]).size:  # of before there were pieces
            content, begin = await self._field(session_id, f"c:{file_id}") or b"", offset
        return content[begin : begin + size]

    async def total(self, session_id: str) -> int:
        return int(await self._field(session_id, "t") or 0)

    async def _field(self, session_id: str, field: str) -> bytes | None:
        keys = self._keys.session(session_id)
        found = await self._servers.call(keys.bucket, b"HGET", keys.files, field)
        return found if isinstance(found, bytes) else None

    async def remove(self, session_id: str, file_id: str) -> None:
        keys = self._keys.session(session_id)
        await self._servers.run(keys.bucket, "unfile", (keys.files,), file_id)

    async def delete(self, session_id: str) -> None:
        keys = self._keys.session(session_id)
        await self._servers.call(keys.bucket, b"DEL", keys.files)
