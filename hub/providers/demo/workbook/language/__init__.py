"""From a sentence to what it orders: words, a grammar, and the typed orders that a tree of it stands for.

Nothing here knows a tool. Every word of a sentence has a place in the grammar, or the sentence is not understood.
"""
