"""The files of a session: one hash beside its other keys, which lives and expires with them."""

import msgspec

from hub.backplane.base import FileRecord
from hub.backplane.redis.servers import Servers

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
            *(record.file_id, len(content), max_total_bytes, _encode(record), content, self._retention_ms),
        )
        return reply == 1

    async def get(self, session_id: str, file_id: str) -> FileRecord | None:
        found = await self._field(session_id, f"r:{file_id}")
        return None if found is None else _decode(found)

    async def content(self, session_id: str, file_id: str) -> bytes | None:
        return await self._field(session_id, f"c:{file_id}")

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
