"""Takes files into sessions and gives them out, by the access rules of the session (design, section 3.3)."""

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


class SessionFiles:
    """Of all sessions. Every method raises `CallError`, and `BackplaneAway`."""

    def __init__(self, files: Files, access: Access, limits: FileLimits, new_id: Callable[[str], str]) -> None:
        self._files = files
        self._access = access
        self.limits = limits
        self._new_id = new_id
        self._under_way: Counter[str] = Counter()  # uploads by user

    async def upload(
        self, user: str, session_id: str, name: str, media_type: str, size: int, pieces: AsyncIterator[str]
    ) -> UploadedFile:
        """Store what comes as base64 in pieces."""

        async def read() -> bytes:
            return await joined(pieces, size, self.limits.stall_s)

        return await self.take(user, session_id, name, media_type, size, read)

    async def take(
        self,
        user: str,
        session_id: str,
        name: str,
        media_type: str,
        size: int | None,
        read: Callable[[], Awaitable[bytes]],
    ) -> UploadedFile:
        """Store what `read` gives, which keeps to the limits. What cannot be taken is refused before it is called;
        `size` is None where only the bytes will tell."""
        session = await self._access.editor(session_id, user)
        self._check(media_type, size)
        with self._one_of(user):
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
        if not is_of_type(content, plain):
            text = f"The bytes are no {plain}. Give the file its right media type; texts are UTF-8."
            raise CallError("invalid_arguments", text)
        record = FileRecord(self._new_id("file"), clean_name(name), plain, len(content), session.created_at)
        most = self.limits.max_session_bytes
        if not await self._files.put(session.session_id, record, content, max_total_bytes=most):
            text = f"The session's files would be over {most} bytes together (max_session_files_bytes)."
            raise CallError("too_large", f"{text} Open another session, or send a smaller file.")
        return _part(record)

    async def keep(self, session: Session, name: str, media_type: str, content: bytes) -> FilePart:
        """Store a file that a tool has made."""
        part = await self.add(session, name, media_type, content)
        await self._still_there(session.owner, session, part.file_id)
        return part

    async def open(self, user: str, session_id: str, file_id: str) -> tuple[FilePart, bytes]:
        """A file with its bytes, for who may see the session."""
        session = await self._access.viewer(session_id, user)
        record = await self._files.get(session_id, file_id)
        content = None if not _is_of(record, session) else await self._files.content(session_id, file_id)
        if record is None or content is None:
            raise CallError("message_not_found", "There is no such file in this session. Take the id of a file part.")
        return _part(record), content

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

    @contextmanager
    def _one_of(self, user: str) -> Iterator[None]:
        if self._under_way[user] >= self.limits.max_uploads:
            text = f"{self.limits.max_uploads} uploads of yours are under way, which is the limit. Wait for one."
            raise CallError("rate_limited", text)
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]


def _is_of(record: FileRecord | None, session: Session) -> bool:
    return record is not None and record.session_created_at == session.created_at


def _part(record: FileRecord) -> FilePart:
    return FilePart(record.file_id, record.name, record.media_type, record.size)
