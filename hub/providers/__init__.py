"""What makes answers: a provider turns a request into a stream of deltas.

`base` is the interface and its structs; each other module is one provider. A provider knows nothing of sessions,
journals or tools' execution.
"""
