"""Drives sessions: takes their leases, does what stands in their inboxes, writes their journals."""
