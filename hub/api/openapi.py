"""The OpenAPI document (3.1), made of the operations and of the structs that travel."""

from collections.abc import Mapping
from functools import cache

import msgspec
from pydantic.json_schema import models_json_schema

from hub.api.operations import DESCRIBED, OPERATIONS, Operation
from hub.api.problems import ProblemDetails
from hub.api.requests import POSITION, WAIT_HELP
from hub.chat import events
from hub.chat.parts import Json
from hub.runs.files.kinds import MEDIA_TYPES

_REF = "#/components/schemas/{name}"
_ALWAYS = (400, 401, 403, 429, 503)
"""Problems that every operation may answer with."""
_WITH_BODY = (408, 413, 415)

_REASONS: Mapping[int, str] = {
    400: "What was sent does not fit.",
    401: "A valid token is needed.",
    403: "This user, or this page, may not do that.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "It does not fit what is there.",
    413: "The body is too large.",
    415: "The body is of a type that is not taken.",
    429: "Too much was asked; `Retry-After` says when to try again.",
    503: "Not now; `Retry-After` says when to try again.",
}
_GOOD: Mapping[int, str] = {200: "Done.", 201: "Created.", 202: "Not done yet; `Location` says where it will be."}
_EVENTS = "Server-sent events. The data of each is an `Event` in one line; its id is the position `epoch:offset`."


def document(root: str) -> Mapping[str, Json]:
    """`root` is the path below which the application is served, empty for none."""
    return {**_whole(), "servers": [{"url": root or "/"}]}


@cache
def _whole() -> Mapping[str, Json]:
    paths: dict[str, dict[str, Json]] = {}
    for path, operation in DESCRIBED:
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hubline",
            "version": "1",
            "description": "AI sessions over HTTP: the same sessions, runs and events as over SignalR at /hub.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        # Without authentication, which only this machine may use, nothing is needed.
        "security": [{"bearer": []}, {}],
    }


def _operation(operation: Operation) -> Mapping[str, Json]:
    described: dict[str, Json] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        schema = {"$ref": _REF.format(name=operation.body.__name__)}
        described["requestBody"] = {
            "required": operation.needs_body,
            "content": {"application/json": {"schema": schema}},
        }
    if operation.takes_file:
        described["requestBody"] = {"required": True, "content": _FILES}
    return described


def _parameters(operation: Operation) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in ("sessionId", "runId", "callId", "fileId")
        if f"{{{name}}}" in operation.path
    ]
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            plain = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
            bare = {key: value for key, value in plain.items() if key not in ("title", "description")}
            found.append({"name": name, "in": "query", "description": schema["description"], "schema": bare})
    if operation.streams == "always":
        text = "Go on after this event: its id, `epoch:offset`."
        found.append({"name": "Last-Event-ID", "in": "header", "description": text, "schema": _AFTER})
        found.append({"name": "after", "in": "query", "description": f"{text} The header wins.", "schema": _AFTER})
    if operation.streams == "asked":
        found.append({"name": "Prefer", "in": "header", "description": WAIT_HELP, "schema": {"type": "string"}})
    return found


_FILES: Mapping[str, Json] = {media_type: {} for media_type in MEDIA_TYPES}
"""Bytes as they are have no schema."""

_POSITION = {"type": "string", "pattern": f"^{POSITION}$"}
_AFTER = {"type": "string", "pattern": f"^({POSITION})?$"}

# Of streams, whose schema is that of each event: a word for that is in OpenAPI 3.2 only.
_SENT: Mapping[str, Json] = {
    "description": _EVENTS,
    "type": "object",
    "required": ["id", "data"],
    "properties": {
        "id": _POSITION,
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": _REF.format(name="Event")},
        },
    },
}


def _responses(operation: Operation) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for status, kind in operation.answers.items():
        content = {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
        found[str(status)] = {"description": _GOOD[status], "content": content}
    if operation.streams != "never":
        good = found.setdefault("200", {"description": _EVENTS, "content": {}})
        good["content"]["text/event-stream"] = {"schema": {"$ref": _REF.format(name="ServerSentEvent")}}
    if operation.gives_file:
        found["200"] = {"description": "The file.", "content": _FILES}
    body_problems = _WITH_BODY if operation.body is not None or operation.takes_file else ()
    for status in sorted({*_ALWAYS, *body_problems, *operation.problems}):
        content = {"application/problem+json": {"schema": {"$ref": _REF.format(name="ProblemDetails")}}}
        found[str(status)] = {"description": _REASONS[status], "content": content}
    return found


def _schemas() -> dict[str, Json]:
    written = {kind for operation in OPERATIONS for kind in operation.answers.values()} | {ProblemDetails}
    (*_, event), schemas = msgspec.json.schema_components(
        [*sorted(written, key=lambda kind: kind.__name__), events.Snapshot | events.Stored], ref_template=_REF
    )
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    _, read = models_json_schema(
        [(body, "validation") for body in bodies], ref_template=_REF.replace("{name}", "{model}")
    )
    for body in bodies:
        read["$defs"][body.__name__]["additionalProperties"] = False
    return {**schemas, "Event": event, "ServerSentEvent": _SENT, **read["$defs"]}
