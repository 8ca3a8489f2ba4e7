"""The embedded default: one process, one SQLite file that survives restarts.

`backplane` hands acts to the one thread that uses the file (`writer`); what the acts do is in `journal`, `inbox` and
`directory`, what a file must be in `file` and `schema`.
"""

from hub.backplane.sqlite.backplane import SqliteBackplane as SqliteBackplane
