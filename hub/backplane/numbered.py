"""Which appends of a fence are stored already, so that a repeat returns what it got before."""

import msgspec

from hub.backplane.base import Appended, Fence
from hub.errors import StaleFence

REMEMBERED = 4
"""Appends remembered per session. A driver repeats the one that it has no answer for; it has one at a time."""


class Numbered(msgspec.Struct):
    """The newest appends of the session's newest fence, by number, in the order stored."""

    fence_number: int = 0
    last: int = 0
    recent: dict[int, Appended] = {}

    def before(self, fence: Fence, number: int) -> Appended | None:
        """What this append got before, None if it is new.

        Raises `StaleFence` for one that is neither: older than what was stored after it, and no longer (or never)
        remembered. To store it now would put it out of order.
        """
        if fence.number != self.fence_number or number > self.last:
            return None
        appended = self.recent.get(number)
        if appended is None:
            raise StaleFence(f"append {number} of fence {fence.number} comes after append {self.last} was stored")
        return appended

    def add(self, fence: Fence, number: int, appended: Appended) -> None:
        if fence.number != self.fence_number:
            self.fence_number = fence.number
            self.recent = {}
        self.last = number
        recent = self.recent
        recent[number] = appended
        if len(recent) > REMEMBERED:
            del recent[next(iter(recent))]
