"""Questions about a table in a person's own words: understood, turned into tool calls, answered from their results.

`words` cuts a sentence into items, `names` finds columns and values in it, `understand` makes questions of them,
`question` turns each into a call, `answers` writes what came back. What is not understood is said, never guessed.
"""
