"""SignalR's hub protocol as a pure machine: bytes in, messages out, bytes out.

Imports no loop, clock, randomness or network; ids and times are arguments. Start at `server.py` (or `client.py`).
"""
