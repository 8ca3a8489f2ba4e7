"""Hubline: the real-time hub for AI sessions.

`Hubline` is the application, `Hub` the base of hubs of your own, `ToolContext` what a tool sees of its call.
"""

from hub.app import Hubline
from hub.errors import CallError, HubError
from hub.server.auth import User
from hub.server.auth.authorize import authorize
from hub.server.auth.authorize import authorize
from hub.server.hub import Hub, immediate, method
from hub.tools.base import ToolContext, ToolError

__all__ = [
    "CallError",
    "Hub",
    "HubError",
    "Hubline",
    "ToolContext",
    "ToolError",
    "User",
    "authorize",
    "authorize",
    "immediate",
    "method",
]
