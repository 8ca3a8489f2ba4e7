"""Takes files into sessions and gives them out, by the access rules of the session (design, section 3.3)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from hub.backplane.base import FileRecord, Files
from hub.chat.parts import FilePart, Session, TextPart, WireStruct
from hub.errors import CallError
from hub.runs.access import Access
from hub.runs.files.kinds import MEDIA_TYPES, clean_name, is_of_type, plain_type
from hub.runs.files.limits import FileLimits
from hub.runs.files.pieces import joined


class UploadedFile(WireStruct, frozen=True, kw_only=True):
    """What parts refer to by `file_id`; the name is the one that is kept."""

    file_id: str
    name: str
    media_type: str
    size: int


_AT_ONCE_BYTES = 1 << 20  # what is looked at without a thread: it takes a few milliseconds


class StoredFile:
    """A file of a session that somebody may see."""

    def __init__(self, files: Files, session_id: str, part: FilePart) -> None:
        self._files = files
        self._session_id = session_id
        self.part = part

    async def read(self, offset: int, size: int) -> bytes:
        """As `Files.read`. Raises `message_not_found` if it is gone since."""
        content = await self._files.read(self._session_id, self.part.file_id, offset, size)
        if content is None:
            raise _no_file()
        return content


class SessionFiles:
    """Of all sessions. Every method raises `CallError`, and `BackplaneAway`."""

    def __init__(self, files: Files, access: Access, limits: FileLimits, new_id: Callable[[str], str]) -> None:
        self._files = files
        self._access = access
        self.limits = limits
        self._new_id = new_id
        self._under_way: Counter[str] = Counter()  # uploads by uploader

    async def upload(
        self,
        user: str,
        uploader: str,
        session_id: str,
        name: str,
        media_type: str,
        size: int,
        pieces: AsyncIterator[str],
    ) -> UploadedFile:
        """Store what comes as base64 in pieces."""
        stall_s = self.limits.stall_s

        async def read() -> bytes:
            return await joined(pieces, size, stall_s=stall_s, longest_s=self.limits.longest_s(size, stall_s))

        return await self.take(user, uploader, session_id, name, media_type, size, read)

    async def take(
        self,
        user: str,
        uploader: str,
        session_id: str,
        name: str,
        media_type: str,
        size: int | None,
        read: Callable[[], Awaitable[bytes]],
    ) -> UploadedFile:
        """Store what `read` gives, which keeps to the limits. What cannot be taken is refused before it is called;
        `size` is None where only the bytes will tell; `uploader` is whose uploads count together."""
        session = await self._access.editor(session_id, user)
        self._check(media_type, size)
        if size is not None and await self._files.total(session_id) + size > self.limits.max_session_bytes:
            raise self._too_many()
        with self._one_of(uploader):
            content = await read()
        session_now = await self._access.editor(session_id, user)  # it may have been taken away meanwhile
        if session_now.created_at != session.created_at:
            raise CallError("session_not_found", "The session was deleted meanwhile. Upload the file to another one.")
        part = await self.add(session_now, name, media_type, content)
        await self._still_there(user, session_now, part.file_id)
        return UploadedFile(file_id=part.file_id, name=part.name, media_type=part.media_type, size=part.size)

    async def add(self, session: Session, name: str, media_type: str, content: bytes) -> FilePart:
        """Store a file that is here already."""
        self._check(media_type, len(content))
        plain = plain_type(media_type)
        is_right = (
            await asyncio.to_thread(is_of_type, content, plain)
            if len(content) > _AT_ONCE_BYTES
            else is_of_type(content, plain)
        )
        if not is_right:
            text = f"The bytes are no {plain}. Give the file its right media type; texts are UTF-8."
            raise CallError("invalid_arguments", text)
        record = FileRecord(self._new_id("file"), clean_name(name), plain, len(content), session.created_at)
        most = self.limits.max_session_bytes
        if not await self._files.put(session.session_id, record, content, max_total_bytes=most):
            raise self._too_many()
        return _part(record)

    async def keep(self, session: Session, name: str, media_type: str, content: bytes) -> FilePart:
        """Store a file that a tool has made."""
        part = await self.add(session, name, media_type, content)
        await self._still_there(session.owner, session, part.file_id)
        return part

    async def open(self, user: str, session_id: str, file_id: str) -> StoredFile:
        """For who may see the session; nothing of its bytes is read yet."""
        session = await self._access.viewer(session_id, user)
        record = await self._files.get(session_id, file_id)
        if record is None or not _is_of(record, session):
            raise _no_file()
        return StoredFile(self._files, session_id, _part(record))

    async def resolved(self, session: Session, parts: Sequence[TextPart | FilePart]) -> list[TextPart | FilePart]:
        """The parts with files as they are stored, of which clients say the id only. Raises `invalid_arguments`."""
        found: list[TextPart | FilePart] = []
        for part in parts:
            if isinstance(part, FilePart):
                record = await self._files.get(session.session_id, part.file_id)
                if record is None or not _is_of(record, session):
                    text = f"There is no file {part.file_id} in this session. Upload it first, with Upload."
                    raise CallError("invalid_arguments", text)
                part = _part(record)
            found.append(part)
        return found

    async def forget(self, session_id: str) -> None:
        """The session is deleted."""
        await self._files.delete(session_id)

    async def _still_there(self, user: str, session: Session, file_id: str) -> None:
        """See that no file stays of a session that was deleted while it was stored."""
        try:
            now = await self._access.editor(session.session_id, user)
        except CallError:
            await self._files.remove(session.session_id, file_id)
            raise
        if now.created_at != session.created_at:
            await self._files.remove(session.session_id, file_id)
            raise CallError("session_not_found", "The session was deleted meanwhile. Upload the file to another one.")

    def _check(self, media_type: str, size: int | None) -> None:
        if plain_type(media_type) not in MEDIA_TYPES:
            text = f"mediaType: Files of this type are not taken. Send one of {', '.join(MEDIA_TYPES)}."
            raise CallError("invalid_arguments", text)
        most = self.limits.max_bytes
        if size is None:
            return
        if size > most:
            text = f"The file has {size} bytes, over the limit of {most} (max_file_bytes). Send a smaller one."
            raise CallError("too_large", text)
        if size < 1:
            raise CallError("invalid_arguments", "size: The file is empty. Send one with something in it.")

    def _too_many(self) -> CallError:
        text = f"The session's files would be over {self.limits.max_session_bytes} bytes together"
        advice = "Open another session, or send a smaller file."
        return CallError("too_large", f"{text} (max_session_files_bytes). {advice}")

    @contextmanager
    def _one_of(self, uploader: str) -> Iterator[None]:
        if self._under_way[uploader] >= self.limits.max_uploads:
            text = f"{self.limits.max_uploads} uploads of yours are under way, which is the limit. Wait for one."
            raise CallError("rate_limited", text)
        self._under_way[uploader] += 1
        try:
            yield
        finally:
            self._under_way[uploader] -= 1
            if not self._under_way[uploader]:
                del self._under_way[uploader]


def _no_file() -> CallError:
    return CallError("message_not_found", "There is no such file in this session. Take the id of a file part.")


def _is_of(record: FileRecord, session: Session) -> bool:
    return record.session_created_at == session.created_at


def _part(record: FileRecord) -> FilePart:
    return FilePart(record.file_id, record.name, record.media_type, record.size)
