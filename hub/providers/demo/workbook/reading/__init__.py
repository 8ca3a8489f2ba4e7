"""From trees of the grammar to typed orders.

A tree without a sense raises `Misread`, and another reading may have one."""
