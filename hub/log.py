"""The log: one line per thing worth knowing, on stderr, as `key=value` pairs that a program can read.

    time=2026-01-31T12:00:00.000Z level=warning logger=hub.server msg="slow consumer cut" connection=abc bytes=1048576

Whoever logs passes what varies as `extra={"connection": …}`, or in the message as usual. What must be read in other
logs, too (an embedded app's show the message alone), is both: `warning("run failed: run=%(run)s", {"run": …})` has its
facts as pairs here, and the message ends before the first colon. Tokens that travel in URLs (browsers cannot set
headers on a WebSocket) are blotted out of every line, whoever wrote it.
"""

import asyncio
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Literal, TextIO

LogLevel = Literal["debug", "info", "warning", "error"]

# The connection token is `id` in SignalR's URLs; the others are where tokens and keys are seen in practice.
_SECRET_PARAMETER = re.compile(r"(?i)([?&](?:id|access_token|token|key|api[-_]?key)=)[^&\s\"'#]+")
_SECRET_HEADER = re.compile(r"(?i)\b(bearer\s+|x-api-key[\"':=\s]+)[\w.~+/=-]{6,}")
_PROVIDER_KEY = re.compile(r"\b(?:sk-[\w-]{6,}|AIza[\w-]{20,})")
_STANDARD = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"})
"""What every record has; all else is what the one who logged gave."""
_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")


def redact(text: str) -> str:
    """The text without the tokens and keys that it holds in URLs or headers."""
    text = _SECRET_PARAMETER.sub(r"\1[redacted]", text)
    text = _SECRET_HEADER.sub(r"\1[redacted]", text)
    return _PROVIDER_KEY.sub("[redacted]", text)


def redact_uvicorn() -> None:
    """uvicorn names whole URLs where it is served from with its own log: without their tokens from here on."""
    for name in ("uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).addFilter(_redact_arguments)


def _redact_arguments(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(redact(each) if isinstance(each, str) else each for each in record.args)
    return True


class KeyValueFormatter(logging.Formatter):
    """One record, one line: what is over several lines (a traceback) is quoted with `\\n`."""

    def format(self, record: logging.LogRecord) -> str:
        second, milliseconds = divmod(int(record.created * 1000), 1000)
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        pairs: dict[str, object] = {
            "time": f"{when}.{milliseconds:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if isinstance(record.args, Mapping) and record.name.startswith("hub."):
            pairs["msg"] = record.msg.partition(": ")[0]
            pairs.update(record.args)
        pairs.update((key, value) for key, value in record.__dict__.items() if key not in _STANDARD)
        if record.exc_info:
            pairs["traceback"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={_quoted(redact(str(value)))}" for key, value in pairs.items())


def configure(level: LogLevel, stream: TextIO | None = None) -> None:
    """Send the whole process's log to `stream` (stderr), replacing what was configured before.

    Libraries may only warn: uvicorn's own lines repeat what we log, and name whole URLs.
    """
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(KeyValueFormatter())
    output.addFilter(_is_no_cancellation)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(logging.WARNING)
    logging.getLogger("hub").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.setLevel(logging.NOTSET)
        library.propagate = True
    logging.getLogger("uvicorn.access").disabled = True


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Requests that a shutdown cuts off are no errors, though uvicorn logs each with its traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return '"' + re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda odd: f"\\u{ord(odd[0]):04x}", escaped) + '"'
