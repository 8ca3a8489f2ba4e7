"""Tools that clients execute: who offers which, how a call comes to exactly one of them, and how its result comes back.

The rule: a call is claimed in the inbox before its host is told of it, and a claimed call that writes is never run
again (design, section 5, "Tool hosts").
"""
