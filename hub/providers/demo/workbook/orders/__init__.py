"""What a sentence orders, in types: the language that sentences are read into and plans are made from.

Nothing here knows how it was said, or by which tool it is done.
"""
