"""What a tool call may do without being asked about: autonomy, and what a spreadsheet would evaluate.

Pure, and closed by default: a formula is let through only if all of it is understood and known to stay within the
workbook. Nothing here evaluates anything, waits, or recurses over its input.
"""
