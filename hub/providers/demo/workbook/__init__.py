"""Sentences about an open workbook, carried out by the spreadsheet tools that its host offers.

A sentence is understood whole or not at all, and all of it is planned before the first write: `language` finds the
trees of a grammar in its words, `reading` makes typed `orders` of them, `planning` makes the calls of those, and
`calls` drives them. Two trees that come to other writes are a question to the user. The plan is derived from the
history again at each step, so that any node can go on with it.
"""
