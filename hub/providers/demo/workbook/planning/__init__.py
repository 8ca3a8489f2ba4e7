"""From typed orders to the tool calls that carry them out. Everything is decided before the first call that writes.

Nothing here waits or calls: what has to be read first is asked for by `Unread`, and the plan is made again.
"""
