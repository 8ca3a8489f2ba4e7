"""Hubline: the real-time hub for AI sessions.

`Hubline` is the application, `Hub` the base of hubs of your own, `ToolContext` what a tool sees of its call;
`HubServer` serves hubs alone, without chats. What hooks are given and give back (`Checked`, `Flag`, `Found`, `Output`,
`Question`, `UserMessage`) is named in docs/hooks.md. The application is loaded when it is first asked for, so that
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
    from hub.chat.parts import Flag
    from hub.hooks.base import Checked, Found, Question, UserMessage
    from hub.hooks.output import Output
    from hub.tools.base import ToolContext, ToolError

__all__ = [
    "CallError",
    "Checked",
    "Flag",
    "Found",
    "Hub",
    "HubCall",
    "HubError",
    "HubFilter",
    "HubOptions",
    "HubServer",
    "Hubline",
    "Output",
    "Question",
    "ToolContext",
    "ToolError",
    "User",
    "UserMessage",
    "authorize",
    "immediate",
    "method",
]

_LATER = {
    "Checked": "hub.hooks.base",
    "Flag": "hub.chat.parts",
    "Found": "hub.hooks.base",
    "Hubline": "hub.app",
    "Output": "hub.hooks.output",
    "Question": "hub.hooks.base",
    "ToolContext": "hub.tools.base",
    "ToolError": "hub.tools.base",
    "UserMessage": "hub.hooks.base",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'hub' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = found
    return found
