"""From a sentence to trees: its words, what they stand for, and a grammar that each of them has to have a place in.

Nothing here knows a tool.
"""
