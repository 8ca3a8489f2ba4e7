"""How a process ends on a setting that is wrong, where nobody catches the error: with its sentence, and code 2 where
that is ours to say.

`hubline` catches it itself. Under `uvicorn app:app` the application is made while uvicorn imports it, and started by
its lifespan: thirty lines of others would stand above the one that says what to do.
"""

import sys
from types import TracebackType

from starlette.types import Message, Send

from hub.errors import SettingsError

EXIT_SETTINGS = 2


def tell_settings_errors() -> None:
    """From now on; all other errors go the way they went before. Called again it does nothing."""
    before = sys.excepthook
    if getattr(before, "tells_settings_errors", False):
        return

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, SettingsError):
            before(kind, error, trace)
            return
        print(f"hubline: {error}", file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS)  # the interpreter's own way to set the code from here

    tell.tells_settings_errors = True  # type: ignore[attr-defined]  # a mark, read above
    sys.excepthook = tell


def in_a_sentence(send: Send) -> Send:
    """For a lifespan: a start that a setting has failed is told to the server by its sentence, not by a traceback."""

    async def tell(message: Message) -> None:
        error = sys.exc_info()[1]  # Starlette sends while it has it in hand
        if message["type"] == "lifespan.startup.failed" and isinstance(error, SettingsError):
            message = {**message, "message": str(error)}
        await send(message)

    return tell
