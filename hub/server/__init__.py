"""The hub as SignalR clients see it: hub classes, their methods, connections, groups, transports.

Knows nothing of chat and can be used on its own: start at `server.py` (serving), `hub.py` (writing hubs) and
`testing.py` (testing them without a socket). Sees `hub.protocol` and the backplane's `Bus`, nothing else of Hubline.
"""
