"""The OpenAPI document, and that all it says is so: requests made of it are answered as it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup

from hub.api.operations import DESCRIBED, Operation
from hub.runs.files.kinds import MEDIA_TYPES, TEXTS
from tests.api.serving import Client
from tests.files.uploading import PNG
from tests.running import running

EXAMPLES = 40
SESSION, SESSION_FIELD, FILE_FIELD = "ses", "sessionId", "fileId"
TIMEOUT_S = 60


@dataclass(frozen=True)
class Served:
    url: str
    http: httpx2.Client
    schema: schemathesis.BaseSchema


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("api")
    with running(folder, "--backplane", "memory://", "--demo-pace", "0") as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")
        with httpx2.Client(base_url=server.url, timeout=TIMEOUT_S) as http:
            yield Served(server.url, http, schema)
        assert not [line for line in server.log if "Traceback" in line or "ERROR" in line], server.log


for media_type in MEDIA_TYPES:
    schemathesis.openapi.media_type(media_type, st.binary(max_size=200) | st.sampled_from([PNG, b"text"]))


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("path", "operation"), DESCRIBED, ids=[operation.name for _, operation in DESCRIBED])
def test_it_is_as_the_document_says(served: Served, path: str, operation: Operation, mode: str) -> None:
    described = served.schema[path][operation.method]
    if mode == "negative" and operation.body is None and operation.query is None and operation.streams == "never":
        return  # any text is an id
    cases = described.as_strategy(generation_mode=GenerationMode(mode))

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=cases, is_real=st.booleans(), is_plain=st.booleans(), streams=st.booleans())
    def check(case: Case[Any], is_real: bool, is_plain: bool, streams: bool) -> None:
        if is_real and SESSION_FIELD in (case.path_parameters or {}):
            served.http.post("/api/sessions", json={"sessionId": SESSION}).raise_for_status()
            case.path_parameters[SESSION_FIELD] = SESSION
            if FILE_FIELD in case.path_parameters:
                case.path_parameters[FILE_FIELD] = a_file(served)
        if is_plain and mode == "positive" and isinstance(case.body, dict):
            for name in ("continues", "replaces", "provider", "model", "messageId", "regenerateId"):
                case.body.pop(name, None)  # of things that are not there
        headers = {"accept": "text/event-stream"} if streams and operation.streams == "asked" else {}
        answer = answered(served, case, headers)
        try:
            case.validate_response(answer)
        except FailureGroup as failures:
            if not all(isinstance(one, Failure) and is_known(one, case, answer) for one in failures.exceptions):
                raise

    check()


def a_file(served: Served) -> str:
    text = {"content-type": TEXTS[0]}
    stored = served.http.post(f"/api/sessions/{SESSION}/files", content=b"a text", headers=text).raise_for_status()
    return str(stored.json()[FILE_FIELD])


def is_known(failure: Failure, case: Case[Any], answer: httpx2.Response) -> bool:
    """What the document cannot say: which providers and files there are, what is blank, that `$` is a text's very end;
    that null is as nothing, `after` not looked at beside the header, and 413 said before anything is looked at."""
    if failure.__class__.__name__ == "AcceptedNegativeData":
        has_both = "Last-Event-ID" in (case.headers or {}) and "after" in (case.query or {})
        return answer.status_code == 413 or case.body is None or has_both
    if failure.__class__.__name__ != "RejectedPositiveData":
        return False
    problem = answer.json()
    said = (
        "The message has no content",
        "There is no file",
        "String should match pattern",
        "The bytes are no",
        "empty",
    )
    return problem["code"] == "provider_not_allowed" or any(text in problem["detail"] for text in said)


def answered(served: Served, case: Case[Any], headers: dict[str, str]) -> httpx2.Response:
    """The answer; of a stream that does not end, its first bytes."""
    sent = case.as_transport_kwargs(base_url=served.url, headers=headers)
    request = served.http.build_request(
        sent["method"],
        sent["url"],
        headers=sent["headers"],
        params=sent.get("params"),
        content=sent.get("data"),
        **({"json": sent["json"]} if "json" in sent else {}),
    )
    answer = served.http.send(request, stream=True)
    if answer.status_code == 200 and request.url.path.endswith("/events"):
        first = next(answer.iter_raw())
        answer.close()
        begun = httpx2.Response(200, headers=answer.headers, content=first, request=request)
        begun.elapsed = timedelta()
        return begun
    answer.read()
    return answer


def test_the_document_is_one_of_openapi(served: Served) -> None:
    served.schema.validate()
    paths = served.http.get("/api/openapi.json").json()["paths"].values()
    names = [described["operationId"] for methods in paths for described in methods.values()]
    assert sorted(names) == sorted(operation.name for _, operation in DESCRIBED)


async def test_events_in_the_document_are_those_that_are_sent(ann: Client) -> None:
    document = await ann.ask("GET", "/openapi.json")
    check = Draft202012Validator({"$ref": "#/components/schemas/Event", "components": document["components"]})
    await ann.open()
    async with ann.events("/sessions/ses/events") as stream:
        events = await stream.until("snapshot")
        await ann.ask("POST", "/sessions/ses/messages", {"content": "hi"})
        events += await stream.until("done")
    assert [event.type for event in events] == ["snapshot", "message", "run_started", "step", "text", "done"]
    for event in events:
        assert not list(check.iter_errors(event.value)), event.value
    assert list(check.iter_errors({"type": "none"}))


def test_what_clients_write_is_described_field_by_field(served: Served) -> None:
    document = served.http.get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    operations = [described for methods in document["paths"].values() for described in methods.values()]
    written = [
        content["schema"]["$ref"].rpartition("/")[2]
        for described in operations
        for media_type, content in described.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json"
    ]
    assert len(written) == 5
    for name in (*written, "TextRequest", "FilePartRequest"):
        assert [field for field, of in schemas[name]["properties"].items() if not is_described(field, of)] == [], name
    parameters = [one for described in operations for one in described["parameters"] if one["in"] != "path"]
    assert [one["name"] for one in parameters if not one.get("description")] == []


def is_described(field: str, schema: dict[str, object]) -> bool:
    return field == "type" or bool(schema.get("description"))
