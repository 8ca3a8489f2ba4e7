"""The chat hub: the contract's hub methods over SignalR (design, section 3.3).

Each method checks what the client wrote, and passes it on to `Chats`, which has the rules. Nothing is kept here.
Objects are taken as they came: `parse` checks them, and says what is wrong with its own code.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from hub.chat.parts import Session, WireStruct
from hub.chat_requests import (
    ApprovalRequest,
    ErrorRequest,
    FileRequest,
    HistoryRequest,
    ListRequest,
    MessageRequest,
    OpenRequest,
    PositionRequest,
    PresenceRequest,
    ProgressRequest,
    RatingRequest,
    ReadRequest,
    RegenerateRequest,
    ResultRequest,
    RunRequest,
    SettingsRequest,
    ShareRequest,
    StopRequest,
    ToolsRequest,
    UnshareRequest,
    parse,
)
from hub.errors import CallError
from hub.protocol.messages import Encoded
from hub.runs.access import role_of
from hub.runs.asking import Asked, StopAnswer
from hub.runs.chats import Chats
from hub.runs.follow.presence import Attending
from hub.runs.sessions import SessionRow
from hub.server.auth import User
from hub.server.auth.origins import user_or_address
from hub.server.auth.rates import Bucket, Rate
from hub.server.clients import Audience
from hub.server.hub import Hub, immediate
from hub.server.registry import HubRegistry
from hub.server.streams import PushStream, StreamSink

CONTRACT = 1


class OpenAnswer(WireStruct, frozen=True, kw_only=True):
    session_id: str
    epoch: str
    offset: int
    role: str
    session: Session
    limits: dict[str, int]
    features: list[str]
    contract: int


FEATURES = [
    "watch",
    "queue",
    "stop",
    "regenerate",
    "replaces",
    "continues",
    "history",
    "rate",
    "report_error",
    "share",
    "unread",
    "refresh_token",
    "approvals",
    "presence",
    "client_tools",
    "upload",
]


class ChatHub(Hub):
    """One connection's view of the chats. Results are encoded by the structs' own JSON rules."""

    def __init__(self, chats: Chats, limits: Mapping[str, int]) -> None:
        self._chats = chats
        self._limits = dict(limits)  # as announced to clients
        self._states: Bucket | None = None  # of SetPresence; set at its first call

    @property
    def _user(self) -> str:
        return self.context.user.key

    async def open_session(self, request: object = None) -> Encoded:
        wanted = parse(OpenRequest, request)
        session, top = await self._chats.open(self._user, wanted.session_id, wanted.wish())
        return _encoded(
            OpenAnswer(
                session_id=session.session_id,
                epoch=top.epoch,
                offset=top.offset,
                role=role_of(session, self._user) or "",
                session=session,
                limits=self._limits,
                features=FEATURES,
                contract=CONTRACT,
            )
        )

    async def get_session(self, session_id: str) -> Encoded:
        return _encoded(await self._chats.get(self._user, session_id))

    async def update_session(self, session_id: str, request: object) -> Encoded:
        return _encoded(await self._chats.update(self._user, session_id, parse(SettingsRequest, request).wish()))

    async def delete_session(self, session_id: str) -> Encoded:
        return _encoded(await self._chats.delete(self._user, session_id))

    async def share_session(self, session_id: str, user: str, role: str) -> Encoded:
        wanted = parse(ShareRequest, {"user": user, "role": role})
        return _encoded(await self._chats.sharing.share(self._user, session_id, self._key_of(wanted.user), wanted.role))

    async def unshare_session(self, session_id: str, user: str) -> Encoded:
        wanted = parse(UnshareRequest, {"user": user})
        return _encoded(await self._chats.sharing.unshare(self._user, session_id, self._key_of(wanted.user)))

    def _key_of(self, user: str) -> str:
        """Of another user of the same organisation."""
        return User(id=user, organisation=self.context.user.organisation).key

    async def list_sessions(self, request: object = None) -> Encoded:
        wanted = parse(ListRequest, request)
        return _encoded(await self._chats.list(self._user, before=wanted.before, limit=wanted.limit))

    async def mark_read(self, session_id: str, offset: int) -> None:
        wanted = parse(ReadRequest, {"offset": offset})
        await self._chats.mark_read(self._user, session_id, wanted.offset)

    async def watch_sessions(self) -> AsyncIterator[Encoded]:
        """The user's newest sessions, then each change of one; several changes of one that wait become the last."""
        changes: dict[str, SessionRow] = {}
        changed = asyncio.Event()

        def on_change(row: SessionRow) -> None:
            changes[row.session_id] = row
            changed.set()

        async with self._chats.rows(self._user, on_change) as rows:
            for row in rows:
                yield _encoded(row)
            while True:
                await changed.wait()
                changed.clear()
                while changes:
                    yield _encoded(changes.pop(next(iter(changes))))

    async def watch(self, session_id: str, position: object = None) -> PushStream:
        place = None if position is None else parse(PositionRequest, position).position()
        connection_id = self.context.connection_id
        self._chats.presences.expect(session_id, connection_id)  # now: SetPresence may be the connection's next call

        async def run(sink: StreamSink) -> None:
            attending = Attending(connection_id, lambda: sink.cancelled_by_client)
            await self._chats.attend(self._user, session_id, place, sink, attending)

        return _Watching(run)

    async def set_presence(self, session_id: str, state: object) -> None:
        limits = self._chats.presences.limits
        wanted = parse(PresenceRequest, {"state": state}).encoded(limits.max_bytes)
        if limits.max_per_s and self._states is None:
            self._states = Bucket(Rate(limits.max_per_s, max(1, round(limits.max_per_s))))
        if self._states is not None and (wait_s := self._states.take(asyncio.get_running_loop().time())):
            text = f"Too many states: max_presence_per_s is {limits.max_per_s:g}. Send fewer."
            raise CallError("rate_limited", text, retry_after_s=wait_s)
        await self._chats.set_presence(self._user, session_id, self.context.connection_id, wanted)

    async def on_disconnected(self, error: Exception | None) -> None:
        self._chats.presences.forget(self.context.connection_id)
        await self._chats.hosting.leave(self.context.connection_id)

    async def send_message(self, session_id: str, message: object, options: object = None) -> Encoded:
        return _encoded(await self._send(session_id, parse(MessageRequest, message), parse(RunRequest, options)))

    async def chat(self, session_id: str, message: object, options: object = None) -> PushStream:
        wanted, wish = parse(MessageRequest, message), parse(RunRequest, options)

        async def run(sink: StreamSink) -> None:
            try:
                asked = await self._send(session_id, wanted, wish)
                await self._chats.watch(self._user, session_id, asked.position, sink, run_id=asked.run_id)
            except asyncio.CancelledError:
                # Cancelling this stream stops the run, by the message's id since its own may not be known yet;
                # losing the connection does not.
                if sink.cancelled_by_client:
                    await self._stop(session_id, StopRequest(message_id=wanted.message_id))
                raise

        return _Watching(run)

    @immediate
    async def stop(self, session_id: str, request: object = None) -> Encoded:
        return _encoded(await self._stop(session_id, parse(StopRequest, request)))

    @immediate
    async def resolve_approval(self, session_id: str, call_id: str, request: object) -> Encoded:
        wish = parse(ApprovalRequest, request).wish()
        return _encoded(await self._chats.approving.resolve(self._user, session_id, call_id, wish))

    async def register_tools(self, session_id: str, request: object) -> Encoded:
        wish = parse(ToolsRequest, request).wish()
        return _encoded(await self._chats.hosting.register(self._user, session_id, self.context.connection_id, wish))

    @immediate
    async def tool_progress(self, session_id: str, call_id: str, request: object = None) -> Encoded:
        wanted = parse(ProgressRequest, request)
        heard = await self._chats.hosting.progress(
            self._user, session_id, self.context.connection_id, call_id, wanted.fraction, wanted.note
        )
        return _encoded(heard)

    @immediate
    async def tool_result(self, session_id: str, call_id: str, request: object = None) -> Encoded:
        wanted = parse(ResultRequest, request)
        heard = await self._chats.hosting.result(
            self._user, session_id, self.context.connection_id, call_id, wanted.result, wanted.error
        )
        return _encoded(heard)

    async def upload(self, session_id: str, request: object, pieces: AsyncIterator[str]) -> Encoded:
        wanted = parse(FileRequest, request)
        uploader = user_or_address(self.context.user, self.context.http.address)
        return _encoded(
            await self._chats.files.upload(
                self._user, uploader, session_id, wanted.name, wanted.media_type, wanted.size, pieces
            )
        )

    async def regenerate(self, session_id: str, request: object) -> Encoded:
        wanted = parse(RegenerateRequest, request)
        asked = await self._chats.asking.regenerate(
            self._user,
            session_id,
            wanted.regenerate_id,
            wanted.message_id,
            provider=wanted.provider,
            model=wanted.model,
        )
        return _encoded(asked)

    async def history(self, session_id: str, request: object = None) -> Encoded:
        wanted = parse(HistoryRequest, request)
        page = await self._chats.history(self._user, session_id, before=wanted.before, limit=wanted.limit)
        return _encoded(page)

    async def rate(self, session_id: str, message_id: str, request: object) -> None:
        await self._chats.rate(self._user, session_id, message_id, parse(RatingRequest, request).rating())

    async def report_error(self, session_id: str, request: object) -> None:
        await self._chats.report_error(self._user, session_id, parse(ErrorRequest, request).sentence())

    async def refresh_token(self, token: str) -> dict[str, int]:
        expires_at = await self.context.refresh(token)
        return {} if expires_at is None else {"expiresAt": expires_at}

    async def _send(self, session_id: str, message: MessageRequest, options: RunRequest) -> Asked:
        return await self._chats.asking.send(
            self._user,
            session_id,
            message.message_id,
            message.parts(),
            context=message.context,
            replaces=message.replaces,
            wish=options.wish(),
        )

    async def _stop(self, session_id: str, request: StopRequest) -> StopAnswer:
        return await self._chats.asking.stop(
            self._user,
            session_id,
            run_id=request.run_id,
            message_id=request.message_id,
            queued=request.queued,
        )


class PresencePush:
    """Invokes `Presence` at this node's clients that have no backlog."""

    def __init__(self, registry: HubRegistry) -> None:
        self._registry = registry

    def __call__(self, connection_ids: Sequence[str], argument: bytes) -> Collection[str]:
        """Returns those that have a backlog, which got nothing."""
        found = self._registry.connections
        here = [key for key in connection_ids if key in found]
        ready = [key for key in here if found[key].outbox.writable]
        if ready:
            self._registry.send(Audience("connections", tuple(ready)), "Presence", [Encoded(argument)])
        return set(here).difference(ready)


class ToolPush:
    """Invokes `ExecuteTool` and `CancelTool` at this node's clients."""

    def __init__(self, registry: HubRegistry) -> None:
        self._registry = registry

    def __call__(self, connection_id: str, target: str, argument: bytes) -> None:
        if connection_id in self._registry.connections:
            self._registry.send(Audience("connections", (connection_id,)), target, [Encoded(argument)])


class _Watching(PushStream):
    def __init__(self, run: Callable[[StreamSink], Awaitable[None]]) -> None:
        self._run = run

    async def run(self, sink: StreamSink) -> None:
        await self._run(sink)


def _encoded(answer: WireStruct) -> Encoded:
    return Encoded(msgspec.json.encode(answer))
