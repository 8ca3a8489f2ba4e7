"""The terminal client, `hubline chat`: the same wire as every other client, from a prompt or a pipe.

`link` is one connection, `session` follows a session over as many as it takes, `view` turns events into what is
printed (pure), `chat` is the person's end.
"""
