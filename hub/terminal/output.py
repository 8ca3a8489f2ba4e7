"""What a tool call puts out, and how far it says it is: only what is new of it, in whole lines."""

from dataclasses import dataclass


@dataclass(slots=True)
class CallOutput:
    """Of one call. Each report has all that was put out so far, or its end where that is long."""

    _before: str = ""  # the last report
    _begun: str = ""  # of a line that has not ended
    _said: str = ""

    def progress(self, text: str) -> bool:
        """Whether the text is not what was said last: reports of output repeat it."""
        is_new, self._said = text not in ("", self._said), text
        return is_new

    def lines(self, report: str) -> list[str]:
        """The lines that have ended since the report before."""
        *whole, self._begun = (self._begun + report[_overlap(self._before, report) :]).split("\n")
        self._before = report
        return whole

    def rest(self) -> list[str]:
        """The line that has not ended, if there is one: the call has."""
        begun, self._begun = self._begun, ""
        return [begun] if begun else []


def _overlap(before: str, now: str) -> int:
    """How many characters the text begins with that the one before ends with."""
    return next(
        size for size in range(min(len(before), len(now)), -1, -1) if now.startswith(before[len(before) - size :])
    )
