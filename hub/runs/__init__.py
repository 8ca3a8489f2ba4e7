"""Runs and those who watch them.

`writer` puts a driver's events into the journal, `runner` makes one answer, `driver` drives one session under its
lease, `supervisor` owns the drivers of a node; `follow` and `watch` serve watchers. The room sees the chat's pure code
and the interfaces of backplane, providers and tools; it knows no implementation and no transport.
"""
