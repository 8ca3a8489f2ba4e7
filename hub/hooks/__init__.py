"""Small functions in the path of a message and its answer: checks of what comes in, context from elsewhere, a look at
what goes out, a cache of answers, a rollout. Each is optional and replaceable; one that is not set costs nothing. The
room knows messages and deltas, and nothing of sessions' stores, runs or transports.
"""
