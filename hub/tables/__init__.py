"""Reading tables out of text: PURE. `cells` reads one cell, `grid` finds rows and cells, `table` gives columns kinds.

The server's table tools and the demo read the same text with this, so that they mean the same columns.
"""
