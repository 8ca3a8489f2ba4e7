"""What clients of the HTTP API write: bodies, queries and headers, checked.

Bodies are those of the hub's methods (`chat_requests`); ids that a client of the hub has to make may be left out, and
are made here: who repeats such a request asks twice.
"""

import asyncio
import difflib
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field
from starlette.requests import Request

from hub.api.problems import Problem
from hub.backplane.base import Position
from hub.chat_requests import AgainRequest, ContentRequest, DescribedModel, Id, Model, RunRequest, parse
from hub.errors import CallError, ProtocolError
from hub.protocol.values import load_json
from hub.runs.files.kinds import MEDIA_TYPES, plain_type
from hub.server.methods import fold

WAIT_S = 30.0
MAX_WAIT_S = 120.0
"""Proxies give up on silent answers after a minute or so; who wants more asks again, or follows events."""

WAIT_HELP = "`wait=N`: how many seconds to wait for the finished answer; `respond-async`: not at all (RFC 7240)."

POSITION = "[^:]{1,128}:[0-9]{1,15}"
"""What the id of an event looks like: epoch:offset."""

MAX_NAME_CHARS = 100
"""Of what is repeated of a client's own words in a refusal."""

_CLOSE = {"connection": "close"}  # what still comes of the body is not read

_NUMBER = re.compile(r"[0-9]{1,16}")
_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,9})\"?", re.IGNORECASE)


class MessagePost(ContentRequest, RunRequest):
    """A message, and how its answer is wanted."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["content"]}, {"required": ["continues"]}]})

    message_id: Id | None = None
    """Made by the client. The same one again asks nothing new, and gives the same answer. Left out, each asks."""


class RegeneratePost(AgainRequest):
    """Which message is to be answered anew, and by whom."""

    regenerate_id: Id | None = None
    """Made by the client. The same one again asks nothing new, and gives the same answer. Left out, each asks."""


class FileQuery(DescribedModel):
    """What there is to say of a file besides its bytes and their `Content-Type`."""

    name: Annotated[str, Field(max_length=1000)] = "file"
    """What it is called when it is shown and downloaded."""


def file_facts(request: Request, max_bytes: int) -> tuple[str, int | None]:
    """The media type of the file that is the body, and its size where that is said. Raises Problem, before anything
    of it is read."""
    media_type = plain_type(request.headers.get("content-type", ""))
    if media_type not in MEDIA_TYPES:
        text = f"Files of this type are not taken. Send one of {', '.join(MEDIA_TYPES)} as the Content-Type."
        raise Problem(415, "unsupported_media_type", text)
    _check_not_compressed(request)
    size = request.headers.get("content-length")
    if size is not None and int(size) > max_bytes:
        raise _file_too_large(size, max_bytes)
    return media_type, None if size is None else int(size)


async def read_file(request: Request, *, max_bytes: int, stall_s: float, longest_s: float) -> bytes:
    """The body, as it is. Raises Problem, also where nothing of it comes for `stall_s`, or not all within `longest_s`;
    ClientDisconnect."""
    content = bytearray()
    pieces = request.stream()
    now = asyncio.get_running_loop().time
    end = now() + longest_s
    while True:
        try:
            async with asyncio.timeout_at(min(now() + stall_s, end)):
                piece = await anext(pieces, None)
        except TimeoutError:
            text = f"Nothing of the file came for {stall_s:g} s." if now() < end else f"It may take {longest_s:.0f} s."
            raise Problem(408, "too_slow", f"{text} Send it again, faster.", headers=_CLOSE) from None
        if piece is None:
            return bytes(content)
        content += piece
        if len(content) > max_bytes:
            raise _file_too_large(f"at least {len(content)}", max_bytes)


def _file_too_large(size: str, max_bytes: int) -> Problem:
    text = f"The file has {size} bytes, over the limit of {max_bytes} (max_file_bytes). Send a smaller one."
    return Problem(413, "too_large", text, headers=_CLOSE)


async def read_body(request: Request, *, max_bytes: int, timeout_s: float) -> object:
    """The request's JSON; None where there is none. Raises Problem, CallError, ClientDisconnect."""
    body = await _read(request, max_bytes, timeout_s)
    if not body:
        return None
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if not re.fullmatch(r"application/([\w.-]+\+)?json", media_type.strip().lower()):
        text = "The body must be JSON: send it with Content-Type: application/json."
        raise Problem(415, "unsupported_media_type", text)
    if not re.fullmatch(r"(\s*charset\s*=\s*\"?utf-8\"?\s*)?", parameters.lower()):
        raise Problem(415, "unsupported_media_type", "The body must be JSON in UTF-8: leave the charset out.")
    try:
        return load_json(body)
    except ProtocolError as error:
        raise CallError("invalid_arguments", f"The body is no JSON ({str(error).rstrip('.')}).") from None


async def _read(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    too_large = Problem(
        413,
        "too_large",
        f"The body is over the limit of {max_bytes} bytes (max_receive_bytes). Send less.",
        headers=_CLOSE,
    )
    _check_not_compressed(request)
    if int(request.headers.get("content-length", "0")) > max_bytes:  # the server underneath checks that it is a number
        raise too_large
    pieces, received = [], 0
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.stream():
                received += len(piece)
                if received > max_bytes:
                    raise too_large
                pieces.append(piece)
    except TimeoutError:
        text = f"The body did not come within {timeout_s:g} s. Send it faster."
        raise Problem(408, "too_slow", text, headers=_CLOSE) from None
    return b"".join(pieces)


def _check_not_compressed(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "unsupported_media_type", "The body must not be compressed: send it as it is.")


def parse_body(model: type[Model], body: object) -> Model:
    """Raises `invalid_arguments`, also for a field that there is not: who writes a request by hand misspells one, and
    would not be told. (Calls of the hub ignore such a field, which a client that is newer than the node may send.)"""
    if isinstance(body, dict):
        known = {fold(name): of.alias or name for name, of in model.model_fields.items()}
        if (unknown := next((name for name in body if fold(name) not in known), None)) is not None:
            name = unknown[:MAX_NAME_CHARS]
            nearest = difflib.get_close_matches(name, known.values(), n=1)
            meant = f"{nearest[0]} is the nearest" if nearest else f"these are there: {', '.join(known.values())}"
            raise CallError("invalid_arguments", f"{name}: There is no such field; {meant}.")
    return parse(model, body)


def numbers_of(query: Mapping[str, str], *names: str) -> dict[str, object]:
    """Those of a query's parameters, as `parse` takes them. Raises CallError."""
    found: dict[str, object] = {}
    for name in names:
        if (text := query.get(name)) is not None:
            if _NUMBER.fullmatch(text) is None:
                raise CallError("invalid_arguments", f"{name}: Input should be a number.")
            found[name] = int(text)
    return found


def position_of(request: Request) -> Position | None:
    """Where a client goes on: `Last-Event-ID`, which browsers send when they come again, or else `?after=`, each
    `epoch:offset`. Raises CallError."""
    header = request.headers.get("last-event-id")
    text = header or request.query_params.get("after")
    if not text:
        return None
    if re.fullmatch(POSITION, text) is None:
        name = "Last-Event-ID" if header else "after"
        raise CallError("invalid_arguments", f"{name}: Write the id of an event, epoch:offset, or leave it out.")
    epoch, _, offset = text.partition(":")
    return Position(epoch, int(offset))


def wait_of(request: Request) -> tuple[float, str]:
    """How long the client prefers to wait for an answer, and what to say of that (RFC 7240): empty if it did not say
    or if it was not understood. Longer waits are cut to MAX_WAIT_S."""
    lines = request.headers.getlist("prefer")
    preferences = [one.partition(";")[0].strip() for line in lines for one in line.split(",")]
    for one in preferences:
        if (found := _WAIT.fullmatch(one)) is not None:
            wait_s = min(float(found[1]), MAX_WAIT_S)
            return wait_s, f"wait={wait_s:.0f}"
    return (0.0, "respond-async") if "respond-async" in map(str.lower, preferences) else (WAIT_S, "")
