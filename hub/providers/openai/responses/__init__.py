"""OpenAI's Responses API, as the other dialect of its provider.

For models that reason it is the better one: summaries of the reasoning are shown, and the reasoning itself, encrypted,
goes back with the calls that it led to. Nothing is stored there: each request has the whole history.
"""
