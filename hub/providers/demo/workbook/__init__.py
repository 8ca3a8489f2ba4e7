"""Sentences about an open workbook, carried out by the spreadsheet tools that its host offers.

A sentence is understood whole or not at all: what is not understood writes nothing. The plan is derived from the
history again at each step, so that any node can go on with it.
"""
