"""Hubline: the real-time hub for AI sessions."""
