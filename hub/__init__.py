"""Hubline: the real-time hub for AI sessions.

`Hubline` is the application, `Hub` the base of hubs of your own, `ToolContext` what a tool sees of its call;
`HubServer` serves hubs alone, without chats. The application is loaded when it is first asked for, so that
`hub.server` and `hub.protocol` are used without it.
"""

import importlib
from typing import TYPE_CHECKING

from hub.errors import CallError, HubError
from hub.server.auth import User
from hub.server.auth.authorize import authorize
from hub.server.filters import HubCall, HubFilter
from hub.server.hub import Hub, immediate, method
from hub.server.options import HubOptions
from hub.server.server import HubServer

if TYPE_CHECKING:
    from hub.app import Hubline
    from hub.tools.base import ToolContext, ToolError

__all__ = [
    "CallError",
    "Hub",
    "HubCall",
    "HubError",
    "HubFilter",
    "HubOptions",
    "HubServer",
    "Hubline",
    "ToolContext",
    "ToolError",
    "User",
    "authorize",
    "immediate",
    "method",
]

_LATER = {"Hubline": "hub.app", "ToolContext": "hub.tools.base", "ToolError": "hub.tools.base"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'hub' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = found
    return found
