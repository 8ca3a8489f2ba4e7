"""What joins nodes and outlives them: bus, journal, inbox with its lease, directory.

`base` states the interfaces; `memory`, `sqlite` (and later `redis`) each implement all of them on one store.
Nobody but `app` names an implementation.
"""
