"""What each operation does: reads the request, asks `Chats`, writes the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hub.api.door import Door, LongAnswers
from hub.api.operations import API, OpenedSession
from hub.api.requests import (
    FileQuery,
    MessagePost,
    RegeneratePost,
    file_facts,
    numbers_of,
    parse_body,
    position_of,
    read_body,
    read_file,
    wait_of,
)
from hub.api.stream import EventSink, EventStream, Follow
from hub.backplane.base import Position
from hub.chat.parts import WireStruct
from hub.chat_requests import ApprovalRequest, ListRequest, Model, OpenRequest, StopRequest, parse
from hub.errors import CallError
from hub.protocol.messages import Encoded
from hub.runs.access import role_of
from hub.runs.asking import Asked
from hub.runs.chats import Chats
from hub.server.answers import address_of, is_for_events
from hub.server.auth import User
from hub.server.auth.origins import user_or_address
from hub.server.options import HubOptions
from hub.server.places import Place
from hub.server.transports.http_reading import gone

Endpoint = Callable[[Request, User], Awaitable[Response]]


class Endpoints:
    """Each raises CallError, Problem, Refused, BackplaneAway, ClientDisconnect."""

    def __init__(
        self,
        chats: Chats,
        door: Door,
        answers: LongAnswers,
        options: HubOptions,
        new_id: Callable[[str], str],
        limits: Mapping[str, int],
    ) -> None:
        """`limits`: as announced to clients."""
        self._chats = chats
        self._door = door
        self._answers = answers
        self._options = options
        self._new_id = new_id
        self._limits = limits
        self.by_name: Mapping[str, Endpoint] = {
            "openSession": self.open_session,
            "listSessions": self.list_sessions,
            "getSession": self.get_session,
            "deleteSession": self.delete_session,
            "sendMessage": self.send_message,
            "regenerate": self.regenerate,
            "getRun": self.get_run,
            "watch": self.watch,
            "stop": self.stop,
            "resolveApproval": self.resolve_approval,
            "uploadFile": self.upload_file,
        }

    # ---------------------------------------------------------------------------------------------- sessions

    async def open_session(self, request: Request, user: User) -> Response:
        wanted = await self._body(OpenRequest, request)
        is_new = wanted.session_id is None or not await self._is_there(user, wanted.session_id)
        session, top = await self._chats.open(user.key, wanted.session_id, wanted.wish())
        opened = OpenedSession(
            session_id=session.session_id,
            epoch=top.epoch,
            offset=top.offset,
            role=role_of(session, user.key) or "",
            session=session,
            limits=self._limits,
        )
        headers = {"location": _address(request, session.session_id)}
        return _json(opened, 201 if is_new else 200, headers)

    async def _is_there(self, user: User, session_id: str) -> bool:
        try:
            await self._chats.get(user.key, session_id)
        except CallError as error:
            if error.code == "session_not_found":
                return False
            raise
        return True

    async def list_sessions(self, request: Request, user: User) -> Response:
        wanted = parse(ListRequest, numbers_of(request.query_params, "limit", "before"))
        return _json(await self._chats.list(user.key, before=wanted.before, limit=wanted.limit))

    async def get_session(self, request: Request, user: User) -> Response:
        return _json(await self._chats.get(user.key, _session_id(request)))

    async def delete_session(self, request: Request, user: User) -> Response:
        return _json(await self._chats.delete(user.key, _session_id(request)))

    async def watch(self, request: Request, user: User) -> Response:
        session_id, position = _session_id(request), position_of(request)
        await self._chats.get(user.key, session_id)  # who may not see it is told before anything is answered

        async def follow(sink: EventSink) -> None:
            await self._chats.watch(user.key, session_id, position, sink)

        return self._stream(user, self._door.place_for(user, request), follow, position)

    async def upload_file(self, request: Request, user: User) -> Response:
        files, session_id = self._chats.files, _session_id(request)
        limits = files.limits
        media_type, size = file_facts(request, limits.max_bytes)
        wanted = parse(FileQuery, dict(request.query_params))

        longest_s = limits.longest_s(limits.max_bytes if size is None else size, limits.stall_s)
        uploader = user_or_address(user, address_of(request))

        async def read() -> bytes:
            return await read_file(request, max_bytes=limits.max_bytes, stall_s=limits.stall_s, longest_s=longest_s)

        with self._door.place_for(user, request):
            stored = await files.take(user.key, uploader, session_id, wanted.name, media_type, size, read)
        root = request.scope.get("root_path", "").removesuffix(API)
        location = f"{root}/files/{quote(session_id, safe='')}/{quote(stored.file_id, safe='')}"
        return _json(stored, 201, {"location": location})

    # -------------------------------------------------------------------------------------------------- runs

    async def send_message(self, request: Request, user: User) -> Response:
        wanted = await self._body(MessagePost, request)
        session_id = _session_id(request)

        async def ask() -> Asked:
            return await self._chats.asking.send(
                user.key,
                session_id,
                wanted.message_id or self._new_id("msg"),
                wanted.parts(),
                context=wanted.context,
                replaces=wanted.replaces,
                wish=wanted.wish(),
            )

        return await self._answer(request, user, ask)

    async def regenerate(self, request: Request, user: User) -> Response:
        wanted = await self._body(RegeneratePost, request)
        session_id = _session_id(request)

        async def ask() -> Asked:
            return await self._chats.asking.regenerate(
                user.key,
                session_id,
                wanted.regenerate_id or self._new_id("regen"),
                wanted.message_id,
                provider=wanted.provider,
                model=wanted.model,
            )

        return await self._answer(request, user, ask)

    async def get_run(self, request: Request, user: User) -> Response:
        return _json(await self._chats.run(user.key, _session_id(request), request.path_params["runId"]))

    async def stop(self, request: Request, user: User) -> Response:
        wanted = await self._body(StopRequest, request)
        answer = await self._chats.asking.stop(
            user.key,
            _session_id(request),
            run_id=wanted.run_id,
            message_id=wanted.message_id,
            queued=wanted.queued,
        )
        return _json(answer)

    async def resolve_approval(self, request: Request, user: User) -> Response:
        wish = (await self._body(ApprovalRequest, request)).wish()
        call_id = request.path_params["callId"]
        return _json(await self._chats.approving.resolve(user.key, _session_id(request), call_id, wish))

    async def _answer(self, request: Request, user: User, ask: Callable[[], Awaitable[Asked]]) -> Response:
        """The run's events, or its answer, if that is whole in time, or where it will be.

        A place is taken first: who finds none has asked for nothing.
        """
        session_id = _session_id(request)
        with ExitStack() as held:
            place = held.enter_context(self._door.place_for(user, request))
            async with self._chats.at_hand(user.key, session_id):  # the answer may be over before it is watched
                asked = await ask()
            headers = {"location": _address(request, session_id, "runs", asked.run_id)}
            if is_for_events(request):

                async def follow(sink: EventSink) -> None:
                    await self._chats.watch(user.key, session_id, asked.position, sink, run_id=asked.run_id)

                held.pop_all()  # the stream gives it back
                return self._stream(user, place, follow, asked.position, headers)
            wait_s, applied = wait_of(request)
            if applied:
                headers["preference-applied"] = applied
            if wait_s > 0:
                await self._wait(request, user, asked, wait_s)
        run = await self._chats.run(user.key, session_id, asked.run_id)
        if run.state == "done" and run.message is not None:
            return _json(run.message, 200, headers)
        return _json(run, 202, headers)

    async def _wait(self, request: Request, user: User, asked: Asked, wait_s: float) -> None:
        """Until the run is done, for so long at most, or until the node ends."""
        with self._answers.one() as ending:
            watching = asyncio.ensure_future(
                self._chats.watch(user.key, _session_id(request), asked.position, _Nowhere(), run_id=asked.run_id)
            )
            try:
                async with gone(request.receive) as client_gone:
                    await asyncio.wait(
                        (watching, ending, client_gone), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                    )
                    if client_gone.done():
                        raise ClientDisconnect
            finally:
                watching.cancel()
                await asyncio.wait([watching])
            if not watching.cancelled():
                watching.result()

    # ------------------------------------------------------------------------------------------------ shared

    async def _body(self, model: type[Model], request: Request) -> Model:
        options = self._options
        body = await read_body(request, max_bytes=options.max_receive_bytes, timeout_s=options.client_timeout_s)
        return parse_body(model, body)

    def _stream(
        self,
        user: User,
        place: Place,
        follow: Follow,
        position: Position | None,
        headers: Mapping[str, str] | None = None,
    ) -> EventStream:
        return EventStream(
            follow,
            epoch="" if position is None else position.epoch,
            user=user,
            place=place,
            answers=self._answers,
            options=self._options,
            headers=headers,
        )


class _Nowhere:
    """A `Sink` for who only waits for the end."""

    writable = True

    def send(self, item: Encoded) -> None:
        pass

    def send_many(self, items: Sequence[Encoded]) -> None:
        pass

    def on_writable(self, callback: Callable[[], None]) -> None:
        callback()


def _session_id(request: Request) -> str:
    found: str = request.path_params["sessionId"]
    return found


def _address(request: Request, *steps: str) -> str:
    """Of a thing below `sessions`, as the client sees it."""
    return "/".join([f"{request.scope.get('root_path', '')}/sessions", *(quote(step, safe="") for step in steps)])


def _json(answer: WireStruct, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(answer),
        status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )
