"""docs/wire.md's tables of the chat hub's methods and of a message's fields and options are those of the code, and what
they say of results and roles is what the hub does."""

import asyncio
import base64
import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel, to_pascal

from hub import HubError, Hubline, chat_requests
from hub.chat_hub import ChatHub
from hub.chat_requests import MessageRequest, RunRequest, ToolRequest
from hub.server.testing import TestClient
from hub.server.wire_model import WireModel
from hub.terminal.link import record_of

PAGE = (Path(__file__).parent.parent / "docs" / "wire.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.count("|") == 5]
METHODS = {row[0].strip("`"): row[1:] for row in ROWS if re.fullmatch(r"`[A-Z]\w+`", row[0])}
FIELDS = {row[0].strip("`"): row[1:] for row in ROWS if re.fullmatch(r"`[a-z]\w+`", row[0])}

KINDS = {"string": "text", "integer": "number", "number": "number", "boolean": "boolean", "object": "object"}
NAMED = {"ToolRequest": "tool"}
RANKS = ["viewer", "editor", "owner"]
TIMEOUT_S = 30


def hub_methods() -> dict[str, Callable[..., object]]:
    own = {name: found for name, found in vars(ChatHub).items() if inspect.isfunction(found)}
    return {to_pascal(name): found for name, found in own.items() if not name.startswith(("_", "on_"))}


def kind(schema: Mapping[str, object]) -> str:
    """A field's type, in short."""
    match schema:
        case {"$ref": str(name)}:
            return NAMED[name.rpartition("/")[2]]
        case {"anyOf": list(several)}:
            return " or ".join(dict.fromkeys(kind(one) for one in several if one != {"type": "null"}))
        case {"enum": [*words]}:
            return "/".join(map(str, words))
        case {"oneOf": _}:
            return "part"
        case {"items": dict(item)}:
            return f"[{kind(item)}]"
        case {"type": str(name)}:
            return KINDS[name]
    return "anything"


def fields_of(model: type[WireModel]) -> dict[str, str]:
    """As the page writes them, by name, those that are needed first. What may be left out has a question mark, and a
    text no type."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    found = {}
    for name, of in sorted(schema["properties"].items(), key=lambda item: item[0] not in required):
        typed = "" if (short := kind(of)) == "text" else f": {short}"
        found[name] = f"{name}{'' if name in required else '?'}{typed}"
    return found


def arguments_of(method: Callable[..., object]) -> str:
    """As the page writes them."""
    code = inspect.getsource(method)
    written = []
    for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
        may_miss = "?" if parameter.default is not inspect.Parameter.empty else ""
        if (parsed := re.search(rf"parse\((\w+), {name}\)", code)) is not None:
            fields = fields_of(getattr(chat_requests, parsed[1]))
            written.append(f"{{{', '.join(fields.values())}}}{may_miss}")
        elif (parsed := re.search(rf'parse\((\w+), \{{[^}}]*"{name}": {name}\b', code)) is not None:
            written.append(fields_of(getattr(chat_requests, parsed[1]))[name])
        elif parameter.annotation == AsyncIterator[str]:
            written.append(f"{name}: stream")
        else:
            assert parameter.annotation is str, (method, name)
            written.append(to_camel(name))
    return ", ".join(written)


def test_the_methods_are_those_of_the_hub_with_their_arguments() -> None:
    assert {name: row[0].strip("`") for name, row in METHODS.items()} == {
        name: arguments_of(method) for name, method in hub_methods().items()
    }


def test_the_fields_of_a_message_and_its_options_are_those_of_the_code() -> None:
    for row, model in (("message", MessageRequest), ("options", RunRequest)):
        said = {name: cells[1].strip("`") for name, cells in FIELDS.items() if cells[0] == row}
        kinds = {name: kind(of) for name, of in model.model_json_schema()["properties"].items()}
        assert said == kinds
    assert f"A tool is `{{{', '.join(fields_of(ToolRequest).values())}}}`." in PAGE
    assert all(cells[0] in ("message", "options") for cells in FIELDS.values())


async def pieces() -> AsyncIterator[str]:
    yield base64.b64encode(b"a text").decode()


def call_of(name: str, session_id: str) -> list[object]:
    """Arguments that fit, of a call that changes nothing for the others."""
    arguments: dict[str, list[object]] = {
        "UpdateSession": [{"title": "Plans"}],
        "ShareSession": ["dan", "viewer"],
        "UnshareSession": ["dan"],
        "MarkRead": [1],
        "SetPresence": [{"typing": True}],
        "SendMessage": [{"messageId": f"m-{name}", "content": "hello"}],
        "Chat": [{"messageId": f"m-{name}", "content": "hello"}],
        "ResolveApproval": ["none", {"approve": True}],
        "RegisterTools": [{"name": "Budget", "tools": []}],
        "ToolProgress": ["none", {}],
        "ToolResult": ["none", {}],
        "Upload": [{"name": "a.txt", "mediaType": "text/plain", "size": 6}, pieces()],
        "Regenerate": [{"regenerateId": "again"}],
        "Rate": ["none", {"score": 1}],
        "ReportError": [{"source": "page", "text": "It broke."}],
    }
    return [session_id, *arguments.get(name, [])]


async def answer_of(client: TestClient, name: str, session_id: str) -> object:
    """Of a stream, the first item."""
    arguments = call_of(name, session_id)
    async with asyncio.timeout(TIMEOUT_S):
        if name not in ("Watch", "Chat"):
            return await client.invoke(name, *arguments)
        items = client.stream(name, *arguments)
        try:
            return await anext(items)
        finally:
            await items.aclose()


@pytest.mark.parametrize("role", RANKS)
async def test_those_may_call_it_that_the_page_names(role: str) -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client(user="ann") as ann, app.test_client(user="bob") as bob:
        session_id = str(record_of(await ann.invoke("OpenSession"))["sessionId"])
        if role != "owner":
            await ann.invoke("ShareSession", session_id, "bob", role)
        caller = ann if role == "owner" else bob
        forbidden = set()
        of_session = [name for name, row in METHODS.items() if row[2] != "all"]
        for name in sorted(of_session, key=lambda name: name == "DeleteSession"):  # it is the last thing
            try:
                await answer_of(caller, name, session_id)
            except HubError as error:
                if "[forbidden]" in str(error):
                    forbidden.add(name)
    needed = {name: METHODS[name][2].partition(",")[0] for name in of_session}
    assert forbidden == {name for name, least in needed.items() if RANKS.index(least) > RANKS.index(role)}


def said_of(name: str, answer: object) -> bool:
    """Whether an answer is what the page says."""
    (said,) = re.findall(r"^(nothing|(?:a )?session\b|stream of \w+|\{[^}]*\})", METHODS[name][1].replace("`", ""))
    if said == "nothing":
        return answer is None
    keys = set(record_of(answer))
    if said == "session":
        return {"sessionId", "participants", "autonomy"} <= keys
    if said.startswith("stream"):
        return ("type" in keys) is (said == "stream of events")
    fields = re.findall(r"(\w+)(\??)", said)
    assert {field for field, may_miss in fields if not may_miss} <= keys <= {field for field, _ in fields}, (name, keys)
    return True


async def test_they_answer_what_the_page_says() -> None:
    app = Hubline(backplane="memory://", demo_pace=0)
    async with app.lifespan(), app.test_client() as client:
        answers: dict[str, object] = {"OpenSession": await client.invoke("OpenSession", {"sessionId": "s"})}
        items = client.stream("Watch", "s", None)
        answers["Watch"] = await anext(items)
        offer = {"name": "Budget", "tools": [{"name": "write_range"}]}
        answers["RegisterTools"] = await client.invoke("RegisterTools", "s", offer)
        answers["SendMessage"] = await client.invoke("SendMessage", "s", {"messageId": "m", "content": "Set A1 to 7"})
        async with asyncio.timeout(TIMEOUT_S):
            async for item in items:
                if (event := record_of(item))["type"] == "approval_needed":
                    call = event["callId"]
                    answers["ResolveApproval"] = await client.invoke("ResolveApproval", "s", call, {"approve": True})
                    assert record_of((await client.next("ExecuteTool"))[0])["callId"] == call
                    answers["ToolProgress"] = await client.invoke("ToolProgress", "s", call, {"fraction": 0.5})
                    answers["ToolResult"] = await client.invoke("ToolResult", "s", call, {"result": {"range": "A1"}})
                elif event["type"] == "done":
                    answers["Rate"] = await client.invoke("Rate", "s", event["messageId"], {"score": 1})
                    break
        others = [name for name in METHODS if name not in (*answers, "WatchSessions", "ListSessions", "RefreshToken")]
        assert others[-1] != "DeleteSession"
        answers["ListSessions"] = await client.invoke("ListSessions")
        answers["WatchSessions"] = await anext(client.stream("WatchSessions"))
        for name in sorted(others, key=lambda name: name == "DeleteSession"):
            answers[name] = await answer_of(client, name, "s")
    assert [name for name, answer in answers.items() if not said_of(name, answer)] == []
    assert set(METHODS) - set(answers) == {"RefreshToken"}  # tests/server/auth has it: it needs tokens
