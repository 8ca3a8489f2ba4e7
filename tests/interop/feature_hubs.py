"""Hubs with whatever a client may ask of a server: what the official clients' own functional tests call, and more."""

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.errors import HubError
from hub.server.auth.authorize import authorize
from hub.server.hub import Hub, immediate, method


class InvalidOperation(Exception):
    """What a method raises that its author did not mean for clients."""


class ComplexObject(BaseModel):
    """Every kind that the encodings write in their own ways, in the names that .NET gives."""

    model_config = ConfigDict(populate_by_name=True, val_json_bytes="base64", ser_json_bytes="base64")

    byte_array: Annotated[bytes, Field(alias="ByteArray")]
    date_time: Annotated[datetime.datetime, Field(alias="DateTime")]
    guid: Annotated[uuid.UUID, Field(alias="Guid")]
    int_array: Annotated[list[int], Field(alias="IntArray")]
    string: Annotated[str, Field(alias="String")]


@dataclass
class Leaf:
    """The same kinds in a dataclass, one in the other."""

    body: bytes
    at: datetime.datetime
    id: uuid.UUID
    leaves: "list[Leaf]"


class Notes:
    """What clients cannot see, for the stage to tell."""

    def __init__(self) -> None:
        self.gone: asyncio.Queue[str | None] = asyncio.Queue()
        """How connections ended."""
        self.noted: asyncio.Queue[str] = asyncio.Queue()


class Features(Hub):
    """See the module."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def on_connected(self) -> None:
        match self.context.http.query.get("refuse"):
            case "raise":
                raise InvalidOperation("Not this one.")
            case "ask":
                await self.clients.caller.invoke("Result")

    async def on_disconnected(self, error: Exception | None) -> None:
        self._notes.gone.put_nowait(None if error is None else str(error))

    # --------------------------------------------------------------------------------------------------- plain calls

    async def echo(self, value: object) -> object:
        return value

    async def echo_text(self, text: str) -> str:
        return text

    async def echo_complex_object(self, value: ComplexObject) -> ComplexObject:
        return value

    async def send_complex_object(self) -> ComplexObject:
        return ComplexObject(
            byte_array=b"\x01\x02\x03",
            date_time=datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
            guid=uuid.UUID("00010203-0405-0607-0706-050403020100"),
            int_array=[1, 2, 3],
            string="hello world",
        )

    async def echo_leaf(self, leaf: Leaf) -> Leaf:
        return leaf

    async def nothing(self) -> None: ...

    async def sum_of(self, first: int, second: int = 2) -> int:
        return first + second

    async def make_text(self, length: int) -> str:
        return "x" * length

    async def length_of(self, text: str) -> int:
        return len(text)

    async def throw_exception(self, message: str) -> None:
        raise InvalidOperation(message)

    async def throw_hub_exception(self, message: str) -> None:
        raise HubError(message)

    async def return_what_cannot_travel(self) -> object:
        return object()

    @authorize(roles={"keeper"})
    async def only_keepers(self) -> None: ...

    @method("Re.Named")
    async def renamed(self) -> str:
        return "by its own name"

    async def whoami(self) -> list[object]:
        return [self.context.connection_id, self.context.user.id]

    async def header(self, name: str) -> str | None:
        return self.context.http.headers.get(name.lower())

    async def query(self, name: str) -> str | None:
        return self.context.http.query.get(name)

    async def note(self, text: str) -> None:
        self._notes.noted.put_nowait(text)

    async def wait_for_ever(self) -> None:
        self._notes.noted.put_nowait("waiting")
        try:
            await asyncio.Event().wait()
        finally:
            self._notes.noted.put_nowait("cancelled")

    async def meet(self, parties: int) -> str:
        """Returns when so many calls of this connection are in it."""
        waiting = self.context.items.setdefault("meeting", [])
        assert isinstance(waiting, list)
        all_here = asyncio.Event()
        waiting.append(all_here)
        if len(waiting) == parties:
            for event in waiting:
                event.set()
        await all_here.wait()
        return "all here"

    @immediate
    async def count_waiting(self) -> int:
        waiting = self.context.items.get("meeting", [])
        assert isinstance(waiting, list)
        return len(waiting)

    async def abort(self) -> None:
        self.context.abort()

    # --------------------------------------------------------------------------------------------------- to clients

    async def invoke_with_string(self, message: str) -> None:
        await self.clients.client(self.context.connection_id).message(message)

    async def send_custom_object(self, value: object) -> None:
        await self.clients.caller.custom_object(value)

    async def tell_many(self, target: str, count: int) -> None:
        for number in range(count):
            await self.clients.caller.send(target, number)

    async def no_arguments(self) -> None:
        await self.clients.caller.empty()

    async def join(self, group: str) -> None:
        await self.groups.add(group)

    async def leave(self, group: str) -> None:
        await self.groups.remove(group)

    async def tell(self, audience: str, name: str | list[str], text: str) -> None:
        """To `clients.<audience>`, which `name` is given to if it needs one."""
        several = name if isinstance(name, list) else [name]
        to = {
            "all": lambda: self.clients.all,
            "all_except": lambda: self.clients.all_except(several),
            "caller": lambda: self.clients.caller,
            "others": lambda: self.clients.others,
            "client": lambda: self.clients.client(several[0]),
            "clients": lambda: self.clients.clients(several),
            "group": lambda: self.clients.group(several[0]),
            "groups": lambda: self.clients.groups(several),
            "group_except": lambda: self.clients.group_except(several[0], several[1:]),
            "others_in_group": lambda: self.clients.others_in_group(several[0]),
            "user": lambda: self.clients.user(several[0]),
            "users": lambda: self.clients.users(several),
        }
        await to[audience]().told(text)

    async def ask(self, target: str, argument: object = None) -> object:
        return await self.clients.caller.invoke(target, argument)

    async def ask_for_number(self, target: str) -> int:
        return await self.clients.caller.invoke(target, returns=int)

    async def ask_another(self, connection_id: str, target: str) -> object:
        return await self.clients.client(connection_id).invoke(target)

    async def ask_all(self) -> object:
        return await self.clients.all.invoke("Result")

    # ------------------------------------------------------------------------------------------------------ streams

    async def stream(self) -> AsyncIterator[str]:
        for letter in "abc":
            yield letter

    async def empty_stream(self) -> AsyncIterator[int]:
        for number in range(0):
            yield number

    async def items(self, values: list[object]) -> AsyncIterator[object]:
        for value in values:
            yield value

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    async def late_count(self, to: int) -> AsyncIterator[int]:
        """For a client that loses what comes before it listens."""
        await asyncio.sleep(0.2)
        for number in range(to):
            yield number

    async def infinite_stream(self, mark: str) -> AsyncIterator[int]:
        """Tells its client when it was cancelled."""
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            self._notes.noted.put_nowait(f"cancelled {mark}")
            await self.clients.caller.stream_canceled(mark)

    async def stream_throw_exception(self, message: str) -> AsyncIterator[int]:
        if message:
            raise InvalidOperation(message)
        yield 0

    async def stream_refuse(self, message: str) -> AsyncIterator[int]:
        yield 1
        raise HubError(message)

    # ------------------------------------------------------------------------------------------------------ uploads

    async def streaming_concat(self, pieces: AsyncIterator[str]) -> str:
        return "".join([piece async for piece in pieces])

    async def sum_both(self, factor: int, left: AsyncIterator[int], right: AsyncIterator[int]) -> int:
        return factor * (sum([number async for number in left]) + sum([number async for number in right]))

    async def first_of(self, numbers: AsyncIterator[int]) -> int | None:
        async for number in numbers:
            return number
        return None

    async def echo_stream(self, values: AsyncIterator[object]) -> AsyncIterator[object]:
        async for value in values:
            yield value

    async def note_all(self, texts: AsyncIterator[str]) -> None:
        self._notes.noted.put_nowait(" ".join([text async for text in texts]))

    async def note_items(self, mark: str, texts: AsyncIterator[str]) -> None:
        """Without an answer, for clients that only send."""
        self._notes.noted.put_nowait(f"{mark}: {' '.join([text async for text in texts])}")


class Uncreatable(Hub):
    def __init__(self) -> None:
        raise InvalidOperation("Unable to make it.")

    async def echo(self, value: object) -> object:
        return value


@authorize()
class Guarded(Hub):
    async def echo(self, value: object) -> object:
        return value

    async def whoami(self) -> str:
        return self.context.user.id
