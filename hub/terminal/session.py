"""A session followed over as many connections as it takes, and what a person does in it."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

from hub.errors import HubError
from hub.terminal.approval import Answer
from hub.terminal.link import Link, LinkLost, LinkRefused, open_link, record_of
from hub.terminal.view import Ended, Piece, View

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0


class Session:
    """Use `following` first: it connects, and stays connected while the block runs."""

    def __init__(
        self,
        url: str,
        session_id: str | None,
        show: Callable[[Sequence[Piece]], None],
        *,
        retry_for_s: float | None,
        token: str | None = None,
    ) -> None:
        """`show` prints. `retry_for_s` bounds how long a lost connection is sought again; None is for ever."""
        self.url = url
        self.session_id = session_id  # of a new session, set by the first connection
        self.view = View()
        self._show = show
        self._retry_for_s = retry_for_s
        self._token = token
        self._link: Link | None = None  # while connected and watching
        self._changed = asyncio.Condition()  # notified after each event and each change of the link
        self._failed: Exception | None = None  # set when following ended for good
        self._message_id: str | None = None  # of the message that was sent last
        self.on_approval: Callable[[], None] = lambda: None  # called when one is asked for, in the loop

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Raises LinkLost, LinkRefused or HubError if the first connection failed, here, or a later one for good, in
        what waits for the session; so for what `show` raises."""
        following = asyncio.create_task(self._follow())
        try:
            await self._connected()
            yield
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def ask(self, text: str) -> Ended:
        """Send a message; returns when its run has ended, however often the connection is lost meanwhile."""
        message_id = str(uuid.uuid4())
        self._message_id = message_id
        self.view.own.add(message_id)
        run_id = await self._send(message_id, text)
        async with self._changed:
            await self._changed.wait_for(lambda: run_id in self.view.ended or self._failed is not None)
        if run_id not in self.view.ended:
            self._raise_failure()
        return self.view.ended[run_id]

    async def stop(self) -> None:
        """Stop what was asked last. By the message's id: that works before the server has the message, too.

        Raises LinkLost, LinkRefused, HubError; a connection that is lost meanwhile is waited for."""
        message_id = self._message_id
        while True:
            link = await self._connected()
            try:
                await link.invoke("Stop", self.session_id, {"messageId": message_id})
                return
            except LinkLost:
                await self._gone(link)

    async def resolve(self, call_id: str, answer: Answer) -> None:
        """Answer an approval. Whether it counts is told by the events: somebody else may have been first.

        Raises LinkLost, LinkRefused, HubError; a connection that is lost meanwhile is waited for."""
        while True:
            link = await self._connected()
            try:
                await link.invoke("ResolveApproval", self.session_id, call_id, answer)
                return
            except LinkLost:
                await self._gone(link)

    async def _send(self, message_id: str, text: str) -> str:
        # The same message id again is answered with the same run, so a lost answer is simply asked for again.
        while True:
            link = await self._connected()
            try:
                message = {"messageId": message_id, "content": text}
                accepted = record_of(await link.invoke("SendMessage", self.session_id, message))
                return str(accepted["runId"])
            except LinkLost:
                await self._gone(link)

    async def _gone(self, link: Link) -> None:
        """What was sent on a link learns of its end before the session does."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._link is not link)

    async def _connected(self) -> Link:
        async with self._changed:
            await self._changed.wait_for(lambda: self._link is not None or self._failed is not None)
        if self._link is None:
            self._raise_failure()
        assert self._link is not None
        return self._link

    def _raise_failure(self) -> None:
        assert self._failed is not None
        raise self._failed

    async def _follow(self) -> None:
        try:
            await self._follow_for_ever()
        except Exception as error:  # whatever it is, it is raised again where the session is waited for
            await self._set(None, error)

    async def _follow_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s, lost_at, announced = FIRST_RETRY_S, loop.time(), False
        while True:
            had_link = False
            try:
                async with open_link(self.url, token=self._token) as link:
                    await self._open(link)
                    if announced:
                        self._show([Piece("status", "connected again")])
                    had_link, announced = True, False
                    await self._watch(link)
                    raise LinkLost("The session's events ended.")
            except LinkLost as error:
                await self._set(None)
                if had_link:
                    wait_s, lost_at = FIRST_RETRY_S, loop.time()
                first_attempt = self.session_id is None or self.view.epoch is None
                if first_attempt or (self._retry_for_s is not None and loop.time() - lost_at > self._retry_for_s):
                    raise
                if not announced:
                    self._show([Piece("status", f"{error} Trying to connect again …")])
                    announced = True
            await asyncio.sleep(wait_s)
            wait_s = min(LAST_RETRY_S, wait_s * 2)

    async def _open(self, link: Link) -> None:
        if self.session_id is not None and self.view.epoch is None:
            await self._check_exists(link, self.session_id)
        wanted = {} if self.session_id is None else {"sessionId": self.session_id}
        opened = record_of(await link.invoke("OpenSession", wanted))
        self.session_id = str(opened["sessionId"])

    async def _check_exists(self, link: Link, session_id: str) -> None:
        """OpenSession would create it, and whoever mistyped an id would find an empty chat."""
        try:
            await link.invoke("GetSession", session_id)
        except HubError as error:
            if not str(error).startswith("[session_not_found]"):
                raise
            text = f"There is no session {session_id} at {self.url}. Without --session a new one is opened."
            raise LinkRefused(text) from error

    async def _watch(self, link: Link) -> None:
        """Show the session's events. The link counts as up once the first has come: what is sent then is seen."""
        async with contextlib.aclosing(link.stream("Watch", self.session_id, self.view.position)) as events:
            # From a position with nothing after it no event comes, and none is needed.
            if self.view.position is not None:
                await self._set(link)
            async for item in events:
                pieces = self.view.apply(record_of(item))
                if pieces:
                    self._show(pieces)
                if self.view.approvals:
                    self.on_approval()
                await self._set(link)

    async def _set(self, link: Link | None, failed: Exception | None = None) -> None:
        async with self._changed:
            self._link, self._failed = link, failed or self._failed
            self._changed.notify_all()
