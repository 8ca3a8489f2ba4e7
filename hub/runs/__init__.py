"""Runs and those who watch them.

`answer` makes one answer, `drive` does what is asked of sessions, `follow` serves watchers; `chats` is the room's door:
what a user may ask, with all its rules. The room sees the chat's pure code and the interfaces of backplane, providers
and tools; it knows no implementation and no transport.
"""
