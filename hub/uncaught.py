"""How a process ends on a setting that is wrong, where nobody catches the error: with its sentence and code 2.

`hubline` catches it itself. Under `uvicorn app:app` the application is made while uvicorn imports it, and thirty lines
of uvicorn's own would stand above the one that says what to do.
"""

import sys
from types import TracebackType

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
