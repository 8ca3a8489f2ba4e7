"""What a chat is, as pure code: events, session, run, transcript.

Nothing here imports a loop, a clock, randomness or I/O: times and ids are arguments. The structs are the contract's
(design, section 3.4) and encode themselves by `events.encode`.
"""
