"""Log lines: one each, in pairs, without tokens."""

import asyncio
import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
import uvicorn.config

from hub import log
from hub.log import redact


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root, ours, access = logging.getLogger(), logging.getLogger("hub"), logging.getLogger("uvicorn.access")
    before = root.handlers[:], root.level, ours.level, access.disabled
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    root.handlers[:], root.level, access.disabled = before[0], before[1], before[3]
    ours.setLevel(before[2])


def test_a_line_is_pairs_with_the_fields_last(lines: io.StringIO) -> None:
    logging.getLogger("hub.server").warning("slow consumer cut", extra={"connection": "abc", "bytes": 12})
    time, rest = lines.getvalue().split(" ", 1)
    assert time.startswith("time=2")
    assert time.endswith("Z")
    assert rest == 'level=warning logger=hub.server msg="slow consumer cut" connection=abc bytes=12\n'


def test_facts_of_the_text_are_pairs_and_not_said_twice(lines: io.StringIO) -> None:
    logging.getLogger("hub.runs").warning("run failed: code=%(code)s run=%(run)s", {"code": "internal", "run": "run_1"})
    assert lines.getvalue().endswith('level=warning logger=hub.runs msg="run failed" code=internal run=run_1\n')


def test_a_traceback_stays_in_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("hub.runs").exception("run %s failed", "r1")
    assert lines.getvalue().count("\n") == 1
    assert "ValueError: first\\nsecond" in lines.getvalue()


def test_what_a_user_wrote_cannot_forge_a_line(lines: io.StringIO) -> None:
    logging.getLogger("hub").info("title %s", 'x"\nlevel=error \x1b[31m\u2028')
    assert lines.getvalue().count("\n") == 1
    assert "\x1b" not in lines.getvalue()
    assert "\u2028" not in lines.getvalue()
    assert 'x\\"\\nlevel=error' in lines.getvalue()


def test_libraries_may_only_warn_and_access_is_not_logged(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("127.0.0.1 - WebSocket /hub?id=secret [accepted]")
    logging.getLogger("uvicorn.access").error("GET /hub?id=secret")
    logging.getLogger("hub").debug("too fine")
    assert lines.getvalue() == ""


def test_requests_that_a_shutdown_cuts_off_are_no_errors(lines: io.StringIO) -> None:
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    assert lines.getvalue() == ""


def test_a_library_that_brought_its_own_log_is_overruled(lines: io.StringIO) -> None:
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
    log.configure("info", lines)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.error").warning("odd")
    assert lines.getvalue().endswith("level=warning logger=uvicorn.error msg=odd\n")
    assert lines.getvalue().count("\n") == 1


def test_tokens_in_urls_are_redacted_whoever_logs(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("bad request: /hub?id=abc123&access_token=ey.J-w_t&v=1")
    assert "abc123" not in lines.getvalue()
    assert "ey.J" not in lines.getvalue()
    assert "v=1" in lines.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/hub?id=abc", "/hub?id=[redacted]"),
        ("/hub?x=1&access_token=a.b.c", "/hub?x=1&access_token=[redacted]"),
        ("authorization: Bearer abcdef.ghi", "authorization: Bearer [redacted]"),
        ("{'x-api-key': 'abcdefgh'}", "{'x-api-key': '[redacted]'}"),
        ("key sk-ant-api03-abcdefgh.", "key [redacted]."),
        ("key AIzaSyA-0123456789_abcdefghijklmnopqrstu.", "key [redacted]."),
        ("/api/sessions/id-1?limit=5", "/api/sessions/id-1?limit=5"),
        ("valid=1 identity=2", "valid=1 identity=2"),
    ],
)
def test_redaction(text: str, shown: str) -> None:
    assert redact(text) == shown
