"""The HTTP API (design, section 3.5): the other face of runs, for who has no SignalR client.

It admits as the hub does, and keeps no rule of its own about sessions: those are `Chats`'. `operations` says what there
is, once, for the routes and for the OpenAPI document alike.
"""
