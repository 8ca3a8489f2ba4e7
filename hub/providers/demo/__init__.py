"""The demo provider: a rule-based assistant that needs no key and no network, says so, and works on what it is given.

Everything that it says is derived from the request, so an answer can be continued and repeated. It computes nothing
itself: numbers come from the server's table tools. `provider` is the way in.
"""

from hub.providers.demo.provider import DemoProvider

__all__ = ["DemoProvider"]
