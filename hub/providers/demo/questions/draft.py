"""What one clause says, before it is decided what it asks."""

from collections.abc import Sequence

import msgspec

from hub.providers.demo.questions.names import Names, first_named
from hub.providers.demo.questions.question import Measure, Operator, Where
from hub.providers.demo.questions.vocabulary import HINTS, SINGLE_WORDS
from hub.providers.demo.questions.words import Item


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The things said in a clause; columns by their index.

    `direction` is "top", "bottom", "most" or "least" (with a hint after a colon: "top:price"), empty if none is asked.
    `weak` columns were named by a word that means much the same; `sentence` tells one sentence from the next. `group`
    is what stands after "per" or "by". `order` is a direction too: which rows come first ("highest first"), of
    `order_columns` if they are named. `only`: nothing but the columns named is to be shown; `shown` are those.
    `said` are words with what they ask for, `text` is the whole clause. `text_columns` are the columns of the table
    that can make groups.
    """

    measures: Sequence[Measure] = ()
    direction: str = ""
    n: int | None = None
    columns: Sequence[int] = ()
    group: Sequence[int] = ()
    where: Sequence[Where] = ()
    flags: frozenset[str] = frozenset()
    unknown: Sequence[str] = ()
    critical: Sequence[str] = ()
    unsupported: Sequence[str] = ()
    text_columns: frozenset[int] = frozenset()
    weak: frozenset[int] = frozenset()
    sentence: int = 0
    after_or: bool = False
    superlatives: Sequence[str] = ()
    order: str = ""
    order_columns: Sequence[int] = ()
    only: bool = False
    shown: Sequence[int] = ()
    said: Sequence[tuple[str, str]] = ()
    text: str = ""

    @property
    def asks(self) -> bool:
        """It says what to do, if not with what."""
        return bool(self.measures or self.direction or self.group or self.flags & {"distinct", "sort"})

    @property
    def is_empty(self) -> bool:
        nothing_wanted = not (self.asks or self.columns or self.where or self.flags or self.order or self.n is not None)
        return nothing_wanted and not (self.unknown or self.critical or self.unsupported)

    @property
    def only_where(self) -> bool:
        return bool(self.where) and not (self.asks or self.columns or self.flags or self.unsupported or self.critical)

    @property
    def only_order(self) -> bool:
        """It says nothing but in which order."""
        wants = bool(self.measures or self.direction or self.group or self.where or self.critical or self.unsupported)
        sorts = bool(self.order or "sort" in self.flags)
        return sorts and not wants and self.n is None and self.flags <= {"sort", "ascending", "descending"}

    @property
    def only_columns(self) -> bool:
        return bool(self.columns) and not (self.asks or self.flags or self.unsupported or self.critical)

    @property
    def only_measures(self) -> bool:
        return bool(self.measures and self.columns and "count" not in self.measures) and not (
            self.direction or self.group
        )

    @property
    def lacks_columns(self) -> bool:
        """A measure or a superlative of nothing. How many is complete in itself."""
        wants = any(measure != "count" for measure in self.measures) or bool(self.direction and self.n is None)
        return wants and not self.columns and ":" not in self.direction


def draft_of(clause: Sequence[Item], names: Names, sentence: int = 0, *, after_or: bool = False) -> Draft:
    """Sort the items of a clause by what they say. `after_or`: an "or" stands before it."""
    reader = _Reader(clause, names)
    for place, item in enumerate(clause):
        reader.take(place, item)
    return msgspec.structs.replace(reader.draft(sentence), after_or=after_or)


class _Reader:
    """Walks over the items once, then pairs operators with columns and values."""

    def __init__(self, clause: Sequence[Item], names: Names) -> None:
        self._clause = clause
        self._names = names
        self._used: set[int] = set()
        self._measures: list[Measure] = []
        self._direction = ""
        self._n: int | None = None
        self._columns: list[int] = []
        self._weak: set[int] = set()
        self._group: list[int] = []
        self._where: list[Where] = []
        self._flags: set[str] = set()
        self._unknown: list[str] = []
        self._critical: list[str] = []
        self._unsupported: list[str] = []
        self._superlatives: list[str] = []
        self._said: list[tuple[str, str]] = []
        self._order = ""
        self._only = False
        # Places of a "not" that nothing has taken up.
        self._negations: set[int] = set()

    def take(self, place: int, item: Item) -> None:
        if place in self._used:
            return
        match item.kind:
            case "meaning":
                self._meaning(place, item)
            case "column":
                self._column(item)
            case "value":
                self._value(place, item)
            case "number":
                self._number(place, item)
            case "date":
                self._where += self._compared(place, "=", item)
            case "unknown":
                (self._critical if item.critical else self._unknown).append(item.text)
            case _:
                pass

    def draft(self, sentence: int) -> Draft:
        columns = list(dict.fromkeys(self._columns))
        named = {self._kind(index) == "number" for index in columns if index not in self._weak}
        columns = [i for i in columns if i not in self._weak or (self._kind(i) == "number") not in named]
        return Draft(
            sentence=sentence,
            weak=frozenset(self._weak),
            measures=list(dict.fromkeys(self._measures)),
            direction=self._direction,
            n=self._n,
            columns=columns,
            group=list(dict.fromkeys(self._group)),
            where=self._where,
            flags=frozenset(self._flags),
            unknown=self._unknown,
            critical=self._critical,
            superlatives=self._superlatives,
            order=self._order,
            only=self._only,
            said=self._said,
            text=" ".join(item.text for item in self._clause),
            unsupported=[*self._unsupported, *(self._clause[place].text for place in sorted(self._negations))],
            text_columns=frozenset(i for i, column in enumerate(self._names.columns) if column.kind != "number"),
        )

    def _next(self, place: int) -> Item | None:
        return self._clause[place + 1] if place + 1 < len(self._clause) else None

    def _meaning(self, place: int, item: Item) -> None:
        name, _, detail = item.meaning.partition(":")
        match name:
            case "measure":
                self._measures.append(_MEASURES[detail])
                if item.text.lower() not in _HOW_MUCH:
                    self._said.append((detail, item.text))
            case "top" | "bottom" | "most" | "least":
                # "the best paid" after "top" only says by what.
                if not self._direction or detail:
                    self._direction = item.meaning
                    self._superlatives.append(item.text)
                    self._said.append(("direction", item.text))
                if item.text.lower() in SINGLE_WORDS:
                    self._flags.add("single")
                if item.text.lower() in ("top", "bottom"):
                    self._flags.add("several")
            case "group":
                self._after_group(place)
            case "only":
                self._only = True
            case "first" if self._is_order(place):
                self._order = self._clause[place - 1].meaning
                self._said[-1] = ("order", f"{self._clause[place - 1].text} {item.text}")
                self._superlatives.pop()
                self._direction = ""
            case "ascending" | "descending":
                self._flags.add(name)
                self._order = "bottom" if name == "ascending" else "top"
                self._said.append(("order", item.text))
            case "sort" | "distinct" | "first":
                self._flags.add(name)
                self._said.append(("order" if name == "sort" else name, item.text))
            case "op":
                self._operator(place, detail)
            case "unsupported":
                self._unsupported.append(item.text)
            case "not":
                self._negations.add(place)
            case "and" | "or":
                pass
            case _:
                self._flags.add(name)

    def _is_order(self, place: int) -> bool:
        """ "highest first", in contrast to "the first"."""
        before = self._clause[place - 1].meaning if place else ""
        return bool(before) and before == self._direction and self._said[-1:] != [] and self._said[-1][0] == "direction"

    def _after_group(self, place: int) -> None:
        after = self._next(place)
        if after is None or after.kind != "column":
            return
        self._used.add(place + 1)
        kind = self._names.columns[after.column].kind
        if kind != "number" or not (self._direction or "sort" in self._flags or "list" in self._flags):
            self._group.append(after.column)
            self._said.append(("group", f"{self._clause[place].text} {after.text}"))
        else:
            # "top 3 by revenue" orders, "revenue by region" groups.
            self._columns.append(after.column)

    def _column(self, item: Item) -> None:
        if item.weak and item.column not in self._columns:
            self._weak.add(item.column)
        elif not item.weak:
            self._weak.discard(item.column)
        self._columns.append(item.column)

    def _value(self, place: int, item: Item) -> None:
        negation = self._negation_of(place)
        # "the region north" and "where region is north" name the column too; it is not asked about.
        for back in (1, 2):
            if place >= back:
                named = self._clause[place - back]
                if named.kind == "column" and named.column == item.column and item.column in self._columns:
                    self._columns.remove(item.column)
        name = self._names.columns[item.column].name
        if negation is not None:
            self._negations.discard(negation)
            self._where += [Where(name, "!=", text) for text in item.texts or [item.text]]
        elif item.texts:
            self._where.append(Where(name, "in", item.texts))
        else:
            self._where.append(Where(name, "=", item.text))

    def _negation_of(self, place: int) -> int | None:
        """Where the value's own "not" stands: right before it, but for a verb ("do not live in") or its column."""
        for back in range(place - 1, -1, -1):
            before = self._clause[back]
            if before.meaning in ("not", "op:!="):
                return back
            if before.kind != "unknown" and not (
                before.kind == "column" and before.column == self._clause[place].column
            ):
                return None
        return None

    def _number(self, place: int, item: Item) -> None:
        before = self._clause[place - 1] if place else None
        is_count = item.number == int(item.number) and 1 <= item.number <= 1000
        near = {self._clause[near].meaning.partition(":")[0] for near in (place - 1, place + 1) if self._has(near)}
        if is_count and near & {"top", "bottom", "most", "least", "first"}:
            self._n = int(item.number)
            return
        if before is not None and before.kind == "column" and self._kind(before.column) == "number":
            self._where += self._compared(place, "=", item)
        elif 1900 <= item.number <= 2100 and self._dates():
            self._where += self._compared(place, "=", item)
        elif is_count and self._n is None:
            self._n = int(item.number)

    def _has(self, place: int) -> bool:
        return 0 <= place < len(self._clause)

    def _kind(self, column: int) -> str:
        return self._names.columns[column].kind

    def _dates(self) -> list[int]:
        return [index for index, column in enumerate(self._names.columns) if column.kind == "date"]

    def _operator(self, place: int, detail: str) -> None:
        detail, _, hint = detail.partition(":")
        operand = self._next(place)
        if operand is None:
            return
        value = self._clause[place + 2] if self._has(place + 2) else None
        if operand.kind == "column" and value is not None and value.kind in ("number", "date") and detail in _OPERATORS:
            # "over age 30".
            self._used |= {place + 1, place + 2}
            self._where += self._compared(place + 2, _OPERATORS[detail], value)
            return
        if detail == "between":
            upper = self._clause[place + 2] if self._has(place + 2) else None
            if upper is not None and operand.kind in ("number", "date") and upper.kind == operand.kind:
                self._used |= {place + 1, place + 2}
                low, high = sorted([operand, upper], key=lambda item: (item.number, item.text))
                self._where += self._compared(place, ">=", low) + self._compared(place, "<=", high)
        elif detail == "contains":
            column = self._last_column(place, ("text",))
            if column is not None:
                self._used.add(place + 1)
                self._drop(column)
                self._where.append(Where(self._names.columns[column].name, "contains", operand.text))
        elif operand.kind in ("number", "date"):
            self._used.add(place + 1)
            self._where += self._compared(place, _OPERATORS[detail], operand, hint)
        elif operand.kind in ("value", "column") and detail not in ("=", "!=") and hint:
            # "older than Anna" would need Anna's age first.
            self._critical.append(f"{self._clause[place].text} {operand.text}")
        elif operand.kind in ("value", "column") and self._clause[place].text.lower().endswith((" than", " als")):
            self._critical.append(f"{self._clause[place].text} {operand.text}")
        elif operand.kind == "unknown" and detail in ("=", "!="):
            self._critical.append(operand.text)

    def _compared(self, place: int, operator: Operator, operand: Item, hint: str = "") -> list[Where]:
        """The condition on the column that is meant: the nearest before, then after, else the only one of its kind.

        With a hint ("older than") it is the column that the hint speaks of, if there is one.
        """
        is_year = operand.kind == "number" and 1900 <= operand.number <= 2100
        kinds: tuple[str, ...] = ("date",) if operand.kind == "date" else ("number",)
        numbers = [(i, each) for i, each in enumerate(self._names.columns) if each.kind == "number"]
        column = first_named(numbers, HINTS[hint]) if hint else None
        if column is None:
            column = self._last_column(place, kinds + (("date",) if is_year else ()))
        if column is None and is_year and len(self._dates()) >= 1:
            column = self._dates()[0]
        if column is None:
            column = self._column_after(place, kinds)
        if column is None:
            only = [index for index, each in enumerate(self._names.columns) if each.kind in kinds]
            column = only[0] if len(only) == 1 else None
        if column is None:
            self._critical.append(operand.text)
            return []
        self._drop(column)
        name = self._names.columns[column].name
        if self._kind(column) == "date":
            return _in_dates(name, operator, operand)
        return [Where(name, operator, operand.number)]

    def _last_column(self, place: int, kinds: Sequence[str]) -> int | None:
        for item in reversed(self._clause[:place]):
            if item.kind == "column" and self._kind(item.column) in kinds:
                return item.column
        return None

    def _column_after(self, place: int, kinds: Sequence[str]) -> int | None:
        for item_place in range(place + 1, len(self._clause)):
            item = self._clause[item_place]
            if item.kind == "column" and self._kind(item.column) in kinds:
                self._used.add(item_place)
                return item.column
        return None

    def _drop(self, column: int) -> None:
        """A column of a condition is not asked about, unless a measure stands before it."""
        if column in self._columns:
            self._columns.remove(column)
            self._flags.add(f"compared:{column}")


def _in_dates(name: str, operator: Operator, operand: Item) -> list[Where]:
    if operand.kind == "date":
        return [Where(name, operator, operand.text)]
    year = int(operand.number)
    first, last = f"{year}-01-01", f"{year}-12-31T23:59:59"
    match operator:
        case ">":
            return [Where(name, ">", last)]
        case ">=":
            return [Where(name, ">=", first)]
        case "<":
            return [Where(name, "<", first)]
        case "<=":
            return [Where(name, "<=", last)]
        case _:
            return [Where(name, ">=", first), Where(name, "<=", last)]


_MEASURES: dict[str, Measure] = {
    "sum": "sum", "average": "average", "median": "median", "min": "min", "max": "max", "count": "count",
}  # fmt: skip
_HOW_MUCH = frozenset(("how much", "wie viel", "wieviel"))
_OPERATORS: dict[str, Operator] = {">": ">", ">=": ">=", "<": "<", "<=": "<=", "=": "=", "!=": "!="}
