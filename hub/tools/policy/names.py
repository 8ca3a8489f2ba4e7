"""The workbook's names, and which of them lead out of it."""

from collections.abc import Mapping

from hub.tools.policy.formula import UNLISTED, read_formula
from hub.tools.policy.functions import canonical, without_prefix

MAX_NAMES = 10_000


class WorkbookNames:
    """What the names of a workbook stand for, so that a formula that uses them can be judged.

    A name leads out if its own formula does, or if it uses a name that does, through however many steps. Made once per
    list of names; the time is linear in the length of their formulas. Raises `ValueError` for more than `MAX_NAMES`.
    """

    def __init__(self, formulas: Mapping[str, str]) -> None:
        """`formulas`: what each name refers to; a table stands for its range. A sheet's name may come before a name."""
        if len(formulas) > MAX_NAMES:
            raise ValueError(f"{len(formulas)} names are more than {MAX_NAMES}.")
        self._problems: dict[str, str | None] = dict.fromkeys(map(_key, formulas))
        users: dict[str, list[str]] = {}  # a name: those whose formulas use it
        for written, formula in formulas.items():
            name = _key(written)
            reading = read_formula(formula)
            for found in reading.found:
                # What it says of other names is settled below, when all are known.
                if found.kind != "name" and _key(found.found) not in self._problems:
                    self._problems[name] = f"leads out of the workbook: {found.reason}"
            for used in reading.names:
                users.setdefault(used, []).append(name)
        leading = [name for name in {**self._problems, **users} if self.problem(name) is not None]
        for bad in leading:
            for user in users.get(bad, ()):
                if self._problems[user] is None:
                    self._problems[user] = f"uses {bad}, which {self._reason(bad)}"
                    leading.append(user)

    def problem(self, name: str) -> str | None:
        """Why a name needs approval; None if all that it stands for is harmless."""
        return self._problems.get(_key(name), UNLISTED)

    def _reason(self, name: str) -> str:
        problem = self.problem(name) or ""
        # The whole way may be long; what it begins with is enough.
        return problem if not problem.startswith("uses ") else "leads out of the workbook through others"


def _key(name: str) -> str:
    """As names are compared: without their sheet, a prefix, or case."""
    return without_prefix(canonical(name.rpartition("!")[2].strip()))
